"""A network of hosts that are namespaces of this machine, with links as bad as one wants them.

Each host gets a TUN device, named net0, whose packets this program passes on: by a link of a rate
and with a queue, after a delay, but for those that are lost by chance. Unlike tc netem it wants
nothing of the kernel but TUN. See the script hosts beside it, which starts it.
"""

import argparse
import collections
import ctypes
import fcntl
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
CLONE_NEWNET = 0x40000000


def open_devices(namespaces):
    """A TUN device in each namespace; this process stays in its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    devices = []
    for name in namespaces + [None]:
        place = own if name is None else os.open("/run/netns/" + name, os.O_RDONLY)
        if libc.setns(place, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + str(name))
        if name is not None:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"net0", IFF_TUN_NO_PI))
            devices.append(device)
    return devices


class Links:
    """What each host sends goes by a link of its own to all the others."""

    def __init__(self, devices, options):
        self.devices = devices
        self.seconds_per_byte = 8e-6 / options.rate
        self.delay = options.delay / 1000
        self.queue = options.queue / 1000
        self.loss = options.loss / 100
        self.chance = random.Random(options.seed)
        self.free = [0.0] * len(devices)  # when a link has sent what it was given
        self.flying = [collections.deque() for _ in devices]
        self.counts = collections.Counter()

    def take(self, source, packet, now, cut):
        """A packet that a host sends: the last byte of its address is the receiver's number."""
        target = packet[19] - 1 if packet[0] >> 4 == 4 else -1
        if not 0 <= target < len(self.devices):
            return
        self.counts["packets"] += 1
        if cut and (source == len(self.devices) - 1 or target == len(self.devices) - 1):
            self.counts["cut off"] += 1
            return
        if max(self.free[source] - now, 0) > self.queue:
            self.counts["dropped by a full queue"] += 1
            return
        self.free[source] = max(self.free[source], now) + len(packet) * self.seconds_per_byte
        if self.chance.random() < self.loss:
            self.counts["lost"] += 1
            return
        self.counts["bytes"] += len(packet)
        self.flying[source].append((self.free[source] + self.delay, target, packet))

    def deliver(self, now):
        """Hands out what has arrived; the seconds until the next arrival, or None."""
        following = None
        for flying in self.flying:
            while flying and flying[0][0] <= now:
                _, target, packet = flying.popleft()
                try:
                    os.write(self.devices[target], packet)
                except OSError:  # the device is down
                    pass
            if flying:
                wait = flying[0][0] - now
                following = wait if following is None else min(following, wait)
        return following


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000, help="Mbit/s of each host's link")
    parser.add_argument("--delay", type=float, default=0, help="milliseconds in one direction")
    parser.add_argument("--loss", type=float, default=0, help="percent of packets, by chance")
    parser.add_argument("--queue", type=float, default=50, help="milliseconds that may wait to be sent")
    parser.add_argument("--seed", type=int, default=1, help="of what is lost")
    parser.add_argument("--cut", type=float, nargs=2, metavar=("AT", "FOR"),
                        help="cuts the last host's link at a second, counted from SIGUSR1, for some seconds")
    parser.add_argument("namespaces", nargs="+")
    options = parser.parse_args()

    devices = open_devices(options.namespaces)
    links = Links(devices, options)
    source = {device: number for number, device in enumerate(devices)}
    state = {"begun": None, "over": False}
    signal.signal(signal.SIGUSR1, lambda *_: state.update(begun=time.monotonic()))
    signal.signal(signal.SIGTERM, lambda *_: state.update(over=True))
    was_cut = False
    following = None
    while not state["over"]:
        # Python itself asks again when a signal comes, but not for longer than this.
        ready, _, _ = select.select(devices, [], [], 0.1 if following is None else min(following, 0.1))
        now = time.monotonic()
        cut = False
        if options.cut and state["begun"] is not None:
            at = now - state["begun"] - options.cut[0]
            cut = 0 <= at < options.cut[1]
        if cut != was_cut:
            print("links: the last host is " + ("cut off" if cut else "back"), file=sys.stderr, flush=True)
            was_cut = cut
        for device in ready:
            try:
                for _ in range(64):
                    links.take(source[device], os.read(device, 65536), now, cut)
            except OSError:  # nothing more, or the device is down yet
                pass
        following = links.deliver(now)
    said = ", ".join(f"{count:,} {name}" for name, count in sorted(links.counts.items()))
    print("links: " + (said or "nothing was sent"), file=sys.stderr)


main()
