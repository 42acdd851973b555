"""Local stand-ins for the paid services: they speak the services' protocols and really edit the clip."""
