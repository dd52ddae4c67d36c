internal import Records
internal import TextEscaping

/// Members that several JSON objects of the output have in common.
extension JSONWriter {
    /// A key and a text, if there is one that is not empty: absent means unknown.
    mutating func text(_ name: StaticString, _ text: String?) {
        guard let text, !text.isEmpty else { return }
        key(name)
        value(printable(text))
    }

    /// An array of texts as the next value.
    mutating func texts(_ texts: [String]) {
        array { json in
            for text in texts { json.value(printable(text)) }
        }
    }

    /// A key and a moment, if there is one.
    mutating func time(_ name: StaticString, _ time: Timestamp?) {
        guard let time else { return }
        key(name)
        quoted { time.append(to: &$0) }
    }

    /// A key and an ECS endpoint.
    mutating func endpoint(_ name: StaticString, _ address: IPAddress, port: UInt16?, mac: MACAddress? = nil) {
        member(name) { json in
            json.key("ip")
            json.quoted { address.append(to: &$0) }
            json.member("port", port)
            if let mac, !mac.isZero { json.member("mac", mac.description) }
        }
    }

    /// A key and an ECS observer's interface, if there is one.
    mutating func interface(_ name: StaticString, _ interface: String?) {
        guard let interface, !interface.isEmpty else { return }
        member(name) { json in
            json.member("interface") { json in json.text("name", interface) }
        }
    }

    /// The first payload bytes in hexadecimal as the next value.
    mutating func prefix(_ prefix: PayloadPrefix) {
        quoted { prefix.appendHexadecimal(to: &$0) }
    }
}

extension PayloadPrefix {
    /// Appends two lower-case digits a byte.
    func appendHexadecimal(to bytes: inout [UInt8]) {
        for index in 0..<Int(count) {
            bytes.append(hexDigit(self[index] >> 4))
            bytes.append(hexDigit(self[index] & 0xF))
        }
    }
}
