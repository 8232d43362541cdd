"""A short-lived certificate for 127.0.0.1 and the certificate authority that signed it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

IP_ADDRESS = "127.0.0.1"


def write_certificates(folder: Path) -> Path:
    """Write fullchain.pem and privkey.pem into the folder. Returns the path of the authority's certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("TaskFlow drill")
    root = _certificate_builder(authority, authority, authority_key.public_key(), is_authority=True)
    leaf = _certificate_builder(_name(IP_ADDRESS), authority, key.public_key(), is_authority=False)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(IP_ADDRESS))])
    signed = leaf.add_extension(alternative, critical=False).sign(authority_key, hashes.SHA256())
    (folder / "fullchain.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    path = folder / "authority.pem"
    path.write_bytes(root.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate_builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
