"""A client of NATS for Troupe with nothing but Python's standard library: requests, and events without a gap. What it says is written in docs/nats.md."""
import base64
import hashlib
import json
import socket
import ssl
import time
from urllib.parse import quote, urlparse

# Without a word for so long, what may have been missed is asked for.
SILENCE_S = 30


class Refused(Exception):
    """What the API refuses: the Kubernetes Status says why."""

    def __init__(self, status):
        super().__init__(f"{status['code']} {status.get('reason', '')}: {status.get('message', '')}")
        self.status = status


class Troupe:
    """One connection, one thread. A lost connection is made again by whoever asks or listens next."""

    def __init__(self, server, credentials, ca=None):
        lines = [line for line in credentials.splitlines() if line and not line.startswith(("-", "*", "#"))]
        self.jwt, seed = lines[0], next(line for line in lines if line.startswith("SU"))
        # Two bytes that say what it is, the seed, and a checksum.
        self.seed = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
        claims = self.jwt.split(".")[1]
        key = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        self.inbox = f"_INBOX_{key}.{time.time_ns()}"
        self.server, self.ca = urlparse(server), ca
        self.subscriptions, self.events, self.answers, self.asked = {}, [], {}, 0
        self.connect()

    def connect(self):
        plain = socket.create_connection((self.server.hostname, self.server.port or 4222), timeout=SILENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.stream = plain, plain.makefile("rb")
        info = json.loads(self.stream.readline().split(b" ", 1)[1])
        if info.get("tls_required"):
            self.socket = ssl.create_default_context(cafile=self.ca).wrap_socket(plain, server_hostname=self.server.hostname)
            self.stream = self.socket.makefile("rb")
        signature = base64.urlsafe_b64encode(sign(self.seed, info["nonce"].encode())).rstrip(b"=").decode()
        said = {"jwt": self.jwt, "sig": signature, "headers": True, "no_responders": True, "verbose": False, "lang": "python", "version": "1"}
        self.send(b"CONNECT " + json.dumps(said).encode() + b"\r\n" + f"SUB {self.inbox}.* 1\r\n".encode())
        for number, subject in self.subscriptions.items():
            self.send(f"SUB {subject} {number}\r\n".encode())
        self.send(b"PING\r\n")
        while self.read() != "PONG":
            pass

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """Takes in what comes next; gives the first word of it. Raises OSError when the connection is gone."""
        line = self.stream.readline().decode()
        if not line.endswith("\r\n"):
            raise ConnectionError("the connection is gone")
        word, *rest = line.split()
        if word == "PING":
            self.send(b"PONG\r\n")
        elif word == "-ERR":
            raise Refused({"code": 403, "reason": "Forbidden", "message": line[5:].strip()})
        elif word in ("MSG", "HMSG"):
            subject, number, size = rest[0], rest[1], int(rest[-1])
            head = int(rest[-2]) if word == "HMSG" else 0
            data = self.stream.read(size + 2)[:size]
            status, *fields = data[:head].decode().split("\r\n") if head else [""]
            headers = dict(field.split(": ", 1) if ": " in field else (field.rstrip(":"), "") for field in fields if field)
            message = status, headers, data[head:]
            if number == "1":
                self.answers[subject] = message
            else:
                self.events.append((number, message))
        return word

    def request(self, verb, resource, namespace="_", name="_", body="", **options):
        """Asks; options are parameters, and headers where they begin with a capital: Content_Type. Raises Refused."""
        self.asked += 1
        inbox = f"{self.inbox}.{self.asked}"
        subject = f"troupe.api.{verb}.{place(resource)}.{namespace}.{quote(name, safe=':.')}"
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        fields = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in options.items())
        head = f"NATS/1.0\r\n{fields}\r\n".encode()
        self.send(f"HPUB {subject} {inbox} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")
        while inbox not in self.answers:
            self.read()
        status, headers, answer = self.answers.pop(inbox)
        if " 503" in status:
            raise ConnectionError("nobody answers for Troupe")
        if "Nats-Service-Error-Code" in headers:
            raise Refused(json.loads(answer))
        return answer.decode() if headers.get("Content-Type", "").startswith("text/") else json.loads(answer)

    def patiently(self, act):
        """Does it again for as long as there is no connection, or nobody behind it."""
        while True:
            try:
                return act()
            except (OSError, ConnectionError):
                time.sleep(0.2)
                try:
                    self.connect()
                except (OSError, ConnectionError, IndexError):
                    pass

    def watch(self, resource, namespace, since):
        """All that becomes of the objects of a namespace behind a revision, each change once and in order; yields type, object and revision."""
        number = str(len(self.subscriptions) + 2)
        self.subscriptions[number] = f"troupe.watch.{place(resource)}.{namespace}.>"
        self.patiently(lambda: self.send(f"SUB {self.subscriptions[number]} {number}\r\n".encode()))
        position, missed = int(since), True
        while True:
            while missed:
                # What happened up to now is asked for; whatever comes after the answer is heard.
                past = self.patiently(lambda: self.request("watch", resource, namespace, resourceVersion=position))
                position, missed = int(past["metadata"]["resourceVersion"]), not past["complete"]
                for event in past["events"]:
                    yield event["type"], event["object"], event["object"]["metadata"]["resourceVersion"]
            while not self.events:
                try:
                    self.read()
                except OSError:
                    # Silence, or a connection that is gone: something may have been missed.
                    self.patiently(self.connect)
                    missed = True
                    break
            while self.events and not missed:
                heard, (_, headers, data) = self.events.pop(0)
                if heard != number or int(headers["Resource-Version"]) <= position:
                    continue
                if int(headers["Previous-In-Namespace"]) > position:
                    missed = True
                    break
                position = int(headers["Resource-Version"])
                yield headers["Type"], json.loads(data), headers["Resource-Version"]


def place(resource):
    """A resource as kubectl names it, in a subject: deployments.apps/scale is apps.deployments/scale."""
    whole, slash, part = resource.partition("/")
    plural, _, group = whole.partition(".")
    return f"{group.replace('.', '_') or 'core'}.{plural}{slash}{part}"


# Ed25519 as RFC 8032 has it, section 5.1.6: NATS wants its greeting signed. Plain and slow, and whoever can time it may learn of the key: where `cryptography`,
# `nacl` or `nkeys` is installed, sign with that.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE = BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b, c, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P, 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    product = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            product = add(product, point)
        point, number = add(point, point), number >> 1
    return product


def packed(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def digest(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER


def sign(seed, message):
    secret = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(secret[:32], "little") & (1 << 254) - 8 | 1 << 254
    public = packed(times(scalar, BASE))
    nonce = digest(secret[32:], message)
    commitment = packed(times(nonce, BASE))
    return commitment + ((nonce + digest(commitment, public, message) * scalar) % ORDER).to_bytes(32, "little")
