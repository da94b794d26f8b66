"""What a decoder raises."""


class MalformedPacket(ValueError):
    """These octets are not a valid packet of the format asked for; the text says why."""


class UnknownMessage(MalformedPacket):
    """An intact packet of a message type that this decoder does not know."""

    def __init__(self, message_type: int) -> None:
        super().__init__(f"message type {message_type} is not known here")
        self.message_type = message_type


class Unauthentic(MalformedPacket):
    """An intact packet that does not prove who sent it."""


class WrongCode(Unauthentic):
    """It names the right key, but its code was not made with that; ``time`` is what it says."""

    def __init__(self, time: int) -> None:
        super().__init__("wrong authentication code")
        self.time = time
