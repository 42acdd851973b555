"""Lets every file operation of the program fail once, fills disks, takes folders away: nothing paid may be lost."""
