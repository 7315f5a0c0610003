"""A program in a real pseudo-terminal, with pyte as the screen that a person would see."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte


class Terminal:
    def __init__(self, argv, env=None, rows=24, columns=80, term="xterm-256color", cwd=None,
                 answers=False):
        self.screen = pyte.Screen(columns, rows)
        if answers:  # to questions about the cursor and what it is
            self.screen.write_process_input = lambda text: os.write(self.master, text.encode())
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = dict(os.environ, TERM=term, LC_ALL="C.UTF-8")
        environment.update(env or {})

        def child():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for number in (signal.SIGINT, signal.SIGQUIT):  # tests may run in the background, which ignores them
                signal.signal(number, signal.SIG_DFL)

        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        preexec_fn=child, cwd=cwd, close_fds=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def read(self, seconds=0.05):
        """Takes what the program has written; True when there was something."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            _, writable, _ = select.select([], [self.master], [], 0.05)
            self.read(0)
            if writable:
                data = data[os.write(self.master, data[:4096]):]

    def text(self):
        # Not pyte's display: it fails on half a wide character, which the middle of a frame may hold.
        rows = ([self.screen.buffer[y][x].data for x in range(self.screen.columns)] for y in range(self.screen.lines))
        return "\n".join("".join(row).rstrip() for row in rows)

    def wait(self, condition, seconds=20, what=""):
        """Until condition(text) holds. Time only bounds the wait; it decides nothing."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition(self.text()):
                return
            if not self.read() and self.process.poll() is not None:
                self.read(0)
                if condition(self.text()):
                    return
                break
        raise AssertionError("never saw %s; exit %s; screen:\n%s" % (what, self.process.poll(), self.text()))

    def wait_for(self, wanted, seconds=20):
        self.wait(lambda text: wanted in text, seconds, repr(wanted))

    def wait_gone(self, unwanted, seconds=20):
        self.wait(lambda text: unwanted not in text, seconds, repr(unwanted) + " go")

    def wait_exit(self, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.02)
            if self.process.poll() is not None:
                while self.read(0.05):  # what it wrote last
                    pass
                return self.process.returncode
        raise AssertionError("did not exit; screen:\n" + self.text())

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def settings_restored(self):
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def hang_up(self):
        """The terminal goes away, as when its window is closed."""
        os.close(self.slave)
        self.slave = -1
        os.close(self.master)
        self.master = -1

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
