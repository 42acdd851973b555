"""Values and rules of the program. No I/O, no asyncio, no clock, no Qt, no third-party package."""
