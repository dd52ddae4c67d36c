import Records
import TextEscaping

extension AuditManifest {
    /// The manifest as a text: JSON, a member a line, in one order only, so that equal manifests are equal bytes.
    ///
    /// The last member is the SHA-256 of everything before its line. It finds damage; whoever changes a manifest on
    /// purpose can compute it, so its own hash belongs into the examiner's notes.
    public func encoded() -> [UInt8] {
        var text = Array("{\n".utf8)
        func member(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
            var json = JSONWriter()
            json.key(name)
            body(&json)
            text += Array("  ".utf8) + json.bytes + Array(",\n".utf8)
        }
        func list<Element>(
            _ name: StaticString, _ elements: [Element], _ body: @escaping (Element, inout JSONWriter) -> Void
        ) {
            text += Array("  \"\(name)\":[".utf8)
            for (index, element) in elements.enumerated() {
                var json = JSONWriter()
                json.object { body(element, &$0) }
                text += Array("\(index == 0 ? "" : ",")\n    ".utf8) + json.bytes
            }
            text += Array(elements.isEmpty ? "],\n".utf8 : "\n  ],\n".utf8)
        }
        member("whosent_manifest") { $0.value(Self.version) }
        member("case") { $0.value(caseID) }
        member("examiner") { $0.value(examiner) }
        member("tool") { $0.value(toolVersion) }
        member("command") { json in json.array { for word in command { $0.value(word) } } }
        member("options") { json in json.object(request.write) }
        list("inputs", inputs) { input, json in
            json.member("path", input.path.text)
            json.member("role", input.role.rawValue)
            input.digest.write(to: &json)
        }
        list("outputs", outputs) { output, json in
            json.member("path", output.name.rawValue)
            output.digest.write(to: &json)
        }
        list("machines", machines) { machine, json in
            json.member("evidence", machine.evidence)
            json.member("host", machine.host)
            json.member("kernel", machine.kernel)
            json.member("boot_id", machine.bootID)
        }
        if let time {
            member("time") { json in
                json.object { json in
                    json.member("first", time.first.description)
                    json.member("last", time.last.description)
                }
            }
        }
        list("clock_offsets", clockOffsets) { offset, json in
            json.key("seconds")
            json.value(offset.seconds)
            if let spread = offset.spread {
                json.key("spread")
                json.value(spread)
            }
            json.member("matches", offset.matches)
        }
        return text + Self.ending(of: text)
    }

    /// The line with the checksum, and the end.
    static func ending(of text: [UInt8]) -> [UInt8] {
        Array("  \"manifest_sha256\":\"\(ContentDigest(of: text).sha256)\"\n}\n".utf8)
    }
}

extension AuditManifest.Request {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("filter", filter)
        json.member("clock_offset", clockOffset)
        json.key("newmail_ports")
        json.array { for port in newMailPorts { $0.value(port) } }
        json.key("pids")
        json.array { for identifier in processIDs { $0.value(identifier) } }
        for (name, words) in [
            ("processes", processNames), ("tags", tags), ("min_confidences", minimumConfidences),
            ("verdicts", verdicts),
        ] {
            json.key(name)
            json.array { for word in words { $0.value(word) } }
        }
        json.key("no_args")
        json.value(withoutArguments)
        json.member("process_table", processTable)
        json.member("record_table", recordTable)
    }
}

extension ContentDigest {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("bytes", length)
        json.member("sha256", sha256)
    }
}
