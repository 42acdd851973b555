"""The picture: a pair laid out, painted and looked at closely. Decodes nothing, and knows no clock."""
