public import Classification
internal import Records
internal import TextEscaping

/// What clients registered for new-mail notifications: a paragraph or a JSON object each, in the order of the requests.
public struct RegistrationListing: Sendable {
    /// How to print.
    public enum Form: Sendable {
        /// For people.
        case text
        /// One JSON object a line.
        case ndjson
    }

    private let form: Form
    private let captureNames: [String]

    /// A listing.
    ///
    /// - Parameter captureNames: the captures' names by their number.
    public init(form: Form, captureNames: [String]) {
        self.form = form
        self.captureNames = captureNames
    }

    /// Appends registrations.
    ///
    /// - Parameter dropped: how many older ones are not remembered any more.
    public func append(_ registrations: [PushRegistration], dropped: UInt64, to output: inout [UInt8]) {
        switch form {
        case .text:
            for registration in registrations { output.append(contentsOf: text(registration).utf8) }
            output.append(contentsOf: closing(registrations.count, dropped).utf8)
        case .ndjson:
            for registration in registrations {
                var json = JSONWriter()
                write(registration, to: &json)
                json.newline()
                output.append(contentsOf: json.bytes)
            }
        }
    }

    private func closing(_ count: Int, _ dropped: UInt64) -> String {
        let number = count == 0 ? "no registrations" : count == 1 ? "1 registration" : "\(count) registrations"
        return dropped == 0 ? "\(number)\n" : "\(number); \(dropped) older ones are not remembered\n"
    }

    private func text(_ registration: PushRegistration) -> String {
        let time = registration.requested.time
        var lines = [
            "\(time.date) \(time.clock(digits: 6))  \(registration.client) port \(registration.clientPort) registered with "
                + "\(registration.server) port \(registration.serverPort), \(frame(registration.requested))"
        ]
        if let callback = registration.callback, let context = registration.context {
            lines.append(
                "  notifications to \(callback.address) port \(callback.port), payload \(Self.hexadecimal(context))")
        } else {
            lines.append("  encrypted: the port and the payload of its notifications could not be read")
        }
        if !registration.hasBind { lines.append("  no bind in the captures: recognised by its structure alone") }
        lines.append("  " + state(registration))
        return lines.joined(separator: "\n") + "\n"
    }

    private func state(_ registration: PushRegistration) -> String {
        var parts: [String] = []
        if let answered = registration.answered {
            let status = registration.status.map { $0 == 0 ? "accepted" : "answered with status \(Self.status($0))" }
            parts.append("\(status ?? "answered") in \(frame(answered))")
        } else {
            parts.append("no answer seen")
        }
        if let end = registration.end { parts.append("ended in \(frame(end.seen)): \(end.cause.rawValue)") }
        return parts.joined(separator: "; ")
    }

    private func frame(_ seen: Sighting) -> String {
        captureNames.count > 1 && Int(seen.capture) < captureNames.count
            ? "frame \(seen.frame) of \(captureNames[Int(seen.capture)])" : "frame \(seen.frame)"
    }

    private static func status(_ status: UInt32) -> String {
        let digits = String(status, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func hexadecimal(_ prefix: PayloadPrefix) -> String {
        var bytes: [UInt8] = []
        prefix.appendHexadecimal(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(_ registration: PushRegistration, to json: inout JSONWriter) {
        json.object { json in
            json.time("@timestamp", registration.requested.time)
            json.member("event") { json in json.member("action", "newmail-registration") }
            json.endpoint("client", registration.client, port: registration.clientPort)
            json.endpoint("server", registration.server, port: registration.serverPort)
            json.member("whosent") { json in
                writePlace(registration.requested, to: &json)
                json.member("registration") { json in writeMembers(registration, to: &json) }
            }
        }
    }

    private func writePlace(_ seen: Sighting, to json: inout JSONWriter) {
        json.member("frame", seen.frame)
        if Int(seen.capture) < captureNames.count { json.text("capture", captureNames[Int(seen.capture)]) }
    }

    private func writeMembers(_ registration: PushRegistration, to json: inout JSONWriter) {
        if let callback = registration.callback {
            json.endpoint("callback", callback.address, port: callback.port)
        }
        if let context = registration.context {
            json.key("context")
            json.prefix(context)
        }
        json.key("encrypted")
        json.value(registration.isSealed)
        json.member("auth_level", registration.authLevel)
        json.key("bind_seen")
        json.value(registration.hasBind)
        if let answered = registration.answered {
            json.member("response") { json in
                json.time("time", answered.time)
                writePlace(answered, to: &json)
                json.member("status", registration.status)
            }
        }
        if let end = registration.end {
            json.member("end") { json in
                json.time("time", end.seen.time)
                writePlace(end.seen, to: &json)
                json.text("reason", end.cause.rawValue)
            }
        }
    }
}
