internal import Correlation
internal import Records
internal import TextEscaping

extension RunSummary {
    /// Writes the last line's object as the next value.
    func writeObject(to json: inout JSONWriter) {
        json.object { json in
            json.member("whosent") { json in
                json.member("summary") { json in writeMembers(to: &json) }
            }
        }
    }

    private func writeMembers(to json: inout JSONWriter) {
        json.member("packets", packets)
        json.member("distinct_packets", distinctPackets)
        json.member("records", records)
        json.member("unmatched_records", unmatchedRecords)
        writeLosses(to: &json)
        json.member("verdicts") { json in
            for kind in Verdict.Kind.allCases {
                json.key(kind.name)
                json.value(verdicts[kind] ?? 0)
            }
        }
        json.member("tags") { json in
            for (name, count) in tags.sorted(by: { $0.key < $1.key }) {
                json.key(printable(name))
                json.value(count)
            }
        }
        json.key("coverage")
        json.array { json in
            for part in coverage { part.writeObject(to: &json) }
        }
        if let clockOffset = mainClockOffset {
            json.member("clock_offset") { json in
                json.key("seconds")
                json.value(clockOffset.seconds)
                json.key("spread")
                if let spread = clockOffset.spread { json.value(spread) } else { json.null() }
                json.member("matches", clockOffset.matches)
            }
        }
        writeDamage(to: &json)
        writeInterfaces(to: &json)
        json.member("command_status", commandStatus)
    }

    /// `kernel` is the sum of what the ring buffers could not take; its parts follow it.
    private func writeLosses(to json: inout JSONWriter) {
        json.member("lost") { json in
            json.member("kernel", lostInKernel)
            json.member("capture", lost[.capture] ?? 0)
            json.member("send", lost[.send] ?? 0)
            json.member("wire", lost[.wire] ?? 0)
            json.member("process", lost[.process] ?? 0)
            for kind in [LossInterval.Kind.table, .processTable, .flowTable, .fragmentTable] {
                json.key(kind.rawValue)
                json.value(lost[kind] ?? 0)
            }
            // Only capture files with Exchange's control channel have any.
            if let count = lost[.registrationTable], count > 0 {
                json.key(LossInterval.Kind.registrationTable.rawValue)
                json.value(count)
            }
        }
    }

    private func writeDamage(to json: inout JSONWriter) {
        json.key("damage")
        json.array { json in
            for finding in damage {
                json.object { json in
                    json.text("file", finding.file)
                    json.member("offset", finding.offset)
                    json.text("what", finding.what)
                }
            }
        }
    }

    private func writeInterfaces(to json: inout JSONWriter) {
        guard !interfaces.isEmpty else { return }
        json.key("interfaces")
        json.array { json in
            for counts in interfaces {
                json.object { json in
                    json.text("name", counts.name)
                    json.member("received", counts.received)
                    json.member("dropped", counts.dropped)
                }
            }
        }
    }
}

extension Coverage {
    /// Writes what this evidence covers as the next value.
    fileprivate func writeObject(to json: inout JSONWriter) {
        json.object { json in
            json.text("host", host)
            json.time("start", start)
            // The schema wants an end; evidence without one proves nothing after its begin.
            json.time("stop", stop ?? start)
            json.member("filter", printable(filter))
            json.key("lost")
            json.array { json in
                for loss in losses {
                    json.object { json in
                        json.member("kind", loss.kind.rawValue)
                        json.member("count", loss.count)
                        json.time("start", loss.start)
                        json.time("stop", loss.stop)
                    }
                }
            }
        }
    }
}
