"""What the panels show, as observable values. QtCore only; the only place in ui that starts asynchronous work.

Every model is made before the studio is open and gets it later through `attach`.
"""
