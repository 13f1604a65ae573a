"""SCRAM: both sides prove that they know the password, and neither says it (RFC 5802, 7677)."""
