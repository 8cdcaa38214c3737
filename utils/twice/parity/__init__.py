"""The certificate: both engines compute the same thing, and a table shows by how little they differ."""

from twice.parity.compare import Tolerance, agree
from twice.parity.kernels import kernel_certificate
from twice.parity.modules import certificate
from twice.parity.table import Certificate, Row

__all__ = ["Certificate", "Row", "Tolerance", "agree", "certificate", "kernel_certificate"]
