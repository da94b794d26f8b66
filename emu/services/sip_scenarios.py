"""What the two ends of a call say, in SIPp's language: SIP (RFC 3261) with an offer and its answer.

One INVITE begins the call, one BYE ends it, nothing between them changes it. Where a message is
lost SIPp sends it again. Media are G.711, A-law, in packets of 20 ms; they are another program's,
which is told by signals: SIGUSR1 to begin, with the other end's address in a file, SIGUSR2 to end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emu.services.voice_stream import PAYLOAD_TYPE

_MEDIA = f"""
v=0
o={{name}} 1 1 IN IP6 [media_ip]
s=-
c=IN IP6 [media_ip]
t=0 0
m=audio {{port}} RTP/AVP {PAYLOAD_TYPE}
a=rtpmap:{PAYLOAD_TYPE} PCMA/8000
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
_PEER = (
    '<action><ereg regexp="c=IN IP6 ([0-9a-fA-F:]+)" search_in="body" check_it="true" '
    'assign_to="line,peer"/></action>'
)
"""The address for media that the other end gives (RFC 4566 section 5.7)."""
_UNUSED = '<Reference variables="line"/>'
_CALLEES_TAG = ";tag=[pid]callee[call_number]"
_NO_MEDIA = "Content-Length: 0\n\n"
_WITH_MEDIA = "Content-Type: application/sdp\nContent-Length: [len]\n"


@dataclass(frozen=True)
class Media:
    """The program that speaks: its RTP port, its process, and the file that tells it to whom."""

    port: int
    pid: int
    peer: Path


def caller(media: Media, milliseconds: int) -> str:
    """It calls, speaks, and hangs up after so long."""
    invite = _request("INVITE", 1) + _WITH_MEDIA + _MEDIA.format(name="caller", port=media.port)
    ack = _request("ACK", 1, "[peer_tag_param]") + _NO_MEDIA
    bye = _request("BYE", 2, "[peer_tag_param]") + _NO_MEDIA
    return _scenario(
        "caller",
        _send(invite, again=True),
        '<recv response="100" optional="true"/>',
        '<recv response="180" optional="true"/>',
        f'<recv response="200" rrs="true">{_PEER}</recv>',
        _send(ack),
        _speak(media),
        f'<pause milliseconds="{milliseconds}"/>',
        _be_silent(media),
        _send(bye, again=True),
        '<recv response="200"/>',
    )


def callee(media: Media) -> str:
    """It answers, speaks, and stops when the other one hangs up."""
    ringing = _response("180 Ringing", _CALLEES_TAG) + _NO_MEDIA
    answer = _WITH_MEDIA + _MEDIA.format(name="callee", port=media.port)
    return _scenario(
        "callee",
        f'<recv request="INVITE">{_PEER}</recv>',
        _send(ringing),
        _send(_response("200 OK", _CALLEES_TAG) + answer, again=True),
        '<recv request="ACK"/>',
        _speak(media),
        '<recv request="BYE"/>',
        _be_silent(media),
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


def _speak(media: Media) -> str:
    """Say to whom, then that the time has come; in words that XML has no other meaning for."""
    return _execute(f"echo [$peer] | tee {media.peer.name}; kill -USR1 {media.pid}")


def _be_silent(media: Media) -> str:
    return _execute(f"kill -USR2 {media.pid}")


def _execute(command: str) -> str:
    return f'<nop><action><exec command="{command}"/></action></nop>'


def _scenario(name: str, *steps: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    return "\n".join([f'{head}<scenario name="{name}">', *steps, _UNUSED, "</scenario>\n"])
