"""Before all tests: ``wire`` must be imported before gRPC, or listeners would speak TLS 1.2 (docs/adr/0004).

Property tests have no deadline for one example: a machine that others use would fail them at random.
"""

from hypothesis import HealthCheck, settings

import wire

assert wire.cipher_suites.IN_FORCE

settings.register_profile("fourseal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fourseal")
