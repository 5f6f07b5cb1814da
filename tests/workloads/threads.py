# SPDX-License-Identifier: GPL-2.0-only
"""threads.py FORM... - starts one thread of each form and says how it must be named.

Prints one line a thread, fields parted by tabs: form, name, full name ("" when the name is the
whole), source, heuristic (0 or 1), pthread_self() of the thread, id() of what the thread's start
function calls, id() of the Thread object and the thread's number (0: none). Then "ready". Ends when its standard input
does. FORM "all" is all of them; "list" prints their names. Needs Python 3.9 or later, and no
module that Debian's python3-minimal lacks, but for the form "pool".
"""

import _thread
import functools
import os
import sys
import threading
import time

held = threading.Lock()
held.acquire()
kept = []  # whose id() was told must live on


def worker(*_arguments):
    held.acquire()


def outer():
    def inner():
        held.acquire()

    return inner


class Service:
    def loop(self):
        held.acquire()

    @classmethod
    def serve(cls):
        held.acquire()

    @staticmethod
    def tick():
        held.acquire()


class Special(Service):
    pass


class Handler:
    def __call__(self):
        held.acquire()


class Constructed:
    def __init__(self):
        held.acquire()


class Reader(threading.Thread):
    def run(self):
        held.acquire()


class FastReader(Reader):
    pass


class Mixin:
    def run(self):
        held.acquire()


class Mixed(Mixin, threading.Thread):
    pass


class Meta(type):
    pass


class Special_Reader(Reader, metaclass=Meta):
    __slots__ = ("slot",)


class Wrapping(threading.Thread):
    def run(self):
        super().run()


class Plain(threading.Thread):
    pass


class Crowded(threading.Thread):
    def __init__(self, **arguments):
        for i in range(100):
            setattr(self, "attribute%d" % i, i)
        super().__init__(**arguments)


def started(form, thread, name, full, source, heuristic=0):
    thread.daemon = True
    thread.start()
    method = thread._bootstrap
    kept.extend((thread, method))
    return form, name, full, source, heuristic, thread.ident, id(method), id(thread), thread.native_id


def thread(told, full="", source="symbol", heuristic=0, make=threading.Thread, touch=None, **given):
    def start(form):
        made = make(**given)
        if touch:
            touch(made)
        return started(form, made, told, full, source, heuristic)

    return start


def raw(function, name, full):
    def start(form):
        kept.append(function)
        ident = _thread.start_new_thread(function, ())
        return form, name, full, "symbol", 0, ident, id(function), 0, 0

    return start


def look_at_dict(made):
    kept.append(made.__dict__)


def replace_dict(made):
    made.__dict__ = dict(made.__dict__)


def delete_some(made):
    made.extra = 1
    del made.extra
    made.other = 2


def wrap_run(made):
    run = made.run
    made.run = lambda: run()


def replace_run(made):
    made.run = worker


def pool(form):
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(1)
    executor.submit(worker)
    kept.append(executor)
    (made,) = executor._threads
    method = made._bootstrap
    kept.append(method)
    name = "ThreadPoolExecutor-0_0"
    return form, name, "", "spawn", 0, made.ident, id(method), id(made), made.native_id


def given_name(name, told=None):
    return thread(told or name, source="spawn", target=worker, name=name)


FORMS = {
    "function": thread("worker", "__main__.worker", target=worker),
    "daemon": thread("worker", "__main__.worker", target=worker, daemon=True),
    "default-name": thread("worker", "__main__.worker", target=worker, name="Thread-12 (other)"),
    "named": given_name("egress-test"),
    "named-like-default": given_name("Thread-x"),
    "latin1": given_name("K\u00e4se-1"),
    "ucs2": given_name("\u0142\u0105cze-\u65e5\u672c"),
    "ucs4": given_name("\U0001f600 smile"),
    "surrogate": given_name("bad\udc80\x00name", "bad\ufffd\ufffdname"),
    "long": thread("x" * 254 + "~", "x" * 300, "spawn", target=worker, name="x" * 300),
    "long-cut": thread("\u00e9" * 127 + "~", "\u00e9" * 511 + "~", "spawn", target=worker,
                       name="\u00e9" * 600),
    "method": thread("Service.loop", "__main__.Service.loop", target=Service().loop),
    "inherited": thread("Service.loop", "__main__.Service.loop", target=Special().loop),
    "classmethod": thread("Service.serve", "__main__.Service.serve", target=Special.serve),
    "staticmethod": thread("Service.tick", "__main__.Service.tick", target=Service.tick),
    "lambda": thread("<lambda>", "__main__.<lambda>", target=lambda: held.acquire()),
    "closure": thread("outer.<locals>.inner", "__main__.outer.<locals>.inner", target=outer()),
    "partial": thread("worker", "__main__.worker", target=functools.partial(worker, 1)),
    "partial-method": thread("Service.loop", "__main__.Service.loop",
                             target=functools.partial(Service().loop)),
    "library": thread("Event.wait", "threading.Event.wait", target=threading.Event().wait),
    "builtin": thread("sleep", "time.sleep", target=time.sleep, args=(1e6,)),
    "builtin-method": thread("lock.acquire", "_thread.lock.acquire", target=held.acquire),
    "object": thread("Handler", "__main__.Handler", "type", target=Handler()),
    "class": thread("Constructed", "__main__.Constructed", "type", target=Constructed),
    "subclass": thread("Reader.run", "__main__.Reader.run", "type", make=Reader),
    "subclass-named": thread("reader-7", "", "spawn", make=Reader, name="reader-7"),
    "sub-subclass": thread("FastReader.run", "__main__.FastReader.run", "type", make=FastReader),
    "mixin": thread("Mixed.run", "__main__.Mixed.run", "type", make=Mixed),
    "metaclass": thread("Special_Reader.run", "__main__.Special_Reader.run", "type",
                        make=Special_Reader),
    "plain-subclass": thread("worker", "__main__.worker", make=Plain, target=worker),
    "wrapping": thread("worker", "__main__.worker", "symbol", 1, make=Wrapping, target=worker),
    "wrapped": thread("worker", "__main__.worker", "symbol", 1, touch=wrap_run, target=worker),
    "run-replaced": thread("worker", "__main__.worker", touch=replace_run),
    "crowded": thread("worker", "__main__.worker", make=Crowded, target=worker),
    "dict-seen": thread("worker", "__main__.worker", touch=look_at_dict, target=worker),
    "dict-replaced": thread("worker", "__main__.worker", touch=replace_dict, target=worker),
    "deleted": thread("worker", "__main__.worker", touch=delete_some, target=worker),
    "timer": thread("worker", "__main__.worker", make=threading.Timer, interval=0, function=worker),
    "raw": raw(worker, "worker", "__main__.worker"),
    "raw-method": raw(Service().loop, "Service.loop", "__main__.Service.loop"),
    "pool": pool,
}


def main(forms):
    if forms == ["list"]:
        print("\n".join(FORMS))
        return
    for form in FORMS if forms == ["all"] else forms:
        try:
            fields = FORMS[form](form)
        except ImportError:
            continue
        line = "\t".join(str(field) for field in fields) + "\n"
        os.write(1, line.encode("utf-8"))
    os.write(1, b"ready\n")
    while os.read(0, 4096):
        pass
    os._exit(0)


main(sys.argv[1:])
