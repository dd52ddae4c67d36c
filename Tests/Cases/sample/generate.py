#!/usr/bin/env python3
"""Writes input.pcap and evidence.pcapng of the sample; nothing in them is random.

usage: Tests/Cases/sample/generate.py FOLDER"""
import os
import sys

sys.dont_write_bytecode = True
import evidence  # noqa: E402
import traffic  # noqa: E402

if len(sys.argv) != 2:
    sys.exit(__doc__.split("\n\n")[1])
capture = traffic.sample()
capture.write(os.path.join(sys.argv[1], "input.pcap"))
evidence.write(os.path.join(sys.argv[1], "evidence.pcapng"), capture.frames())
