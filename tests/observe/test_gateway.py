"""Which services have requests in flight, by the API gateway's own table."""

from __future__ import annotations

import pytest

from onestack.observe import gateway

TABLE = """\
Name: HAProxy
Pid: 4711

# pxname,svname,qcur,qmax,scur,smax,
api,FRONTEND,,,3,9,
networking,networking,0,0,2,4,
networking,BACKEND,0,0,2,4,
compute,compute,0,0,0,4,
compute,BACKEND,0,0,0,4,
console,BACKEND,0,0,1,1,
metadata,BACKEND,0,0,1,7,

"""


def test_apis_with_requests_in_flight() -> None:
    assert gateway.parse(TABLE) == {"networking"}


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="Permission denied"):
        gateway.parse("Permission denied\n")
