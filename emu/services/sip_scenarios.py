"""What the two ends of a call say, in SIPp's language: SIP (RFC 3261) with an offer and its answer.

One INVITE begins the call, one BYE ends it, nothing between them changes it. Where a message is
lost SIPp sends it again. Both ends send G.711, A-law, in packets of 20 ms, whatever they receive.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

_PAYLOAD_TYPE = 8
"""PCMA (RFC 3551)."""
_MEDIA = f"""
v=0
o={{name}} 1 1 IN IP6 [local_ip]
s=-
c=IN IP6 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP {_PAYLOAD_TYPE}
a=rtpmap:{_PAYLOAD_TYPE} PCMA/8000
a=ptime:20
"""
_REQUEST = """
{method} sip:callee@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:caller@[local_ip]:[local_port]>;tag=[pid]caller[call_number]
To: <sip:callee@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
"""
_RESPONSE = """
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:callee@[local_ip]:[local_port]>
"""
_CALLEES_TAG = ";tag=[pid]callee[call_number]"
_NO_MEDIA = "Content-Length: 0\n\n"
_WITH_MEDIA = "Content-Type: application/sdp\nContent-Length: [len]\n"


def caller(speech: Path, milliseconds: int) -> str:
    """It calls, speaks, and hangs up after so long."""
    invite = _request("INVITE", 1) + _WITH_MEDIA + _MEDIA.format(name="caller")
    ack = _request("ACK", 1, "[peer_tag_param]") + _NO_MEDIA
    bye = _request("BYE", 2, "[peer_tag_param]") + _NO_MEDIA
    return _scenario(
        "caller",
        _send(invite, again=True),
        '<recv response="100" optional="true"/>',
        '<recv response="180" optional="true"/>',
        '<recv response="200" rrs="true"/>',
        _send(ack),
        _speak(speech),
        f'<pause milliseconds="{milliseconds}"/>',
        _be_silent(),
        _send(bye, again=True),
        '<recv response="200"/>',
    )


def callee(speech: Path) -> str:
    """It answers, speaks, and stops when the other one hangs up."""
    ringing = _response("180 Ringing", _CALLEES_TAG) + _NO_MEDIA
    ok = _response("200 OK", _CALLEES_TAG) + _WITH_MEDIA + _MEDIA.format(name="callee")
    return _scenario(
        "callee",
        '<recv request="INVITE"/>',
        _send(ringing),
        _send(ok, again=True),
        '<recv request="ACK"/>',
        _speak(speech),
        '<recv request="BYE"/>',
        _be_silent(),
        _send(_response("200 OK") + _NO_MEDIA),
    )


def _request(method: str, number: int, tag: str = "") -> str:
    return _REQUEST.format(method=method, number=number, tag=tag).lstrip()


def _response(status: str, tag: str = "") -> str:
    return _RESPONSE.format(status=status, tag=tag).lstrip()


def _send(message: str, again: bool = False) -> str:
    """Send it, ``again`` from 500 ms on (T1) if there is no answer."""
    retransmit = ' retrans="500"' if again else ""
    return f"<send{retransmit}><![CDATA[\n{message}]]></send>"


def _speak(speech: Path) -> str:
    """Stream a file, over and over."""
    stream = quoteattr(f"{speech},-1,{_PAYLOAD_TYPE},PCMA/8000")
    return f"<nop><action><exec rtp_stream={stream}/></action></nop>"


def _be_silent() -> str:
    return '<nop><action><exec rtp_stream="pause"/></action></nop>'


def _scenario(name: str, *steps: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return "\n".join([f'{head}<scenario name="{name}">', *steps, "</scenario>\n"])
