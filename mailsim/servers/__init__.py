"""The simulator: Postfix, Amavis, BIND and the peers' MTAs in one asyncio loop, on loopback alone."""
