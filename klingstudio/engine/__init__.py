"""Carries jobs from click to take on asyncio. No Qt, no SQL, no httpx: those come through the layers below."""
