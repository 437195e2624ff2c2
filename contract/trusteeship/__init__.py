"""What is signed about organisation keys in trust: who may use a key, who decided that, and each use. See DESIGN 1.

Every statement names the account that signs it and that account's personal certificate, and is signed by its joint key
(``contract.joint_statement``). Pure; docs/formats.md has every structure byte by byte.
"""
