internal import Records

/// What protocol state and earlier packets say for a datagram being a notification.
struct NewMailClaim: Sendable {
    var confidence: Tag.Confidence
    /// A sentence each; at least one.
    var reasons: [String]
    /// The payload is what a client registered: that it is of zeros, say, is no surprise then.
    var hasRegisteredBytes = false
}

/// Puts places in the captures into words.
struct SightingNames: Sendable {
    private let captures: [String]

    /// - Parameter captures: the captures' names by their number.
    init(_ captures: [String]) { self.captures = captures }

    /// `frame 12`, with its capture where the run has several.
    func frame(_ seen: Sighting) -> String {
        captures.count > 1 && Int(seen.capture) < captures.count
            ? "frame \(seen.frame) of \(captures[Int(seen.capture)])" : "frame \(seen.frame)"
    }
}

/// Weighs a datagram against the registrations that were seen before it.
struct RegistrationJudge {
    let control: MailControl
    let names: SightingNames

    /// The strongest that can be said, or nil.
    func claim(_ packet: IPPacket, at time: Timestamp) -> NewMailClaim? {
        let callback = PushRegistration.Callback(address: packet.destination, port: packet.destinationPort)
        let claims =
            control.registrations.registrations(for: callback).compactMap { open($0, packet, time) }
            + control.registrations.sealed(client: packet.destination, server: packet.source)
            .compactMap { sealed($0, packet, time) }
        // Of equal ones the latest registration's.
        return claims.reduce(nil) { best, next in
            best.map { $0.confidence >= next.confidence ? $0 : next } ?? next
        }
    }

    private func open(_ registration: PushRegistration, _ packet: IPPacket, _ time: Timestamp) -> NewMailClaim? {
        guard let context = registration.context, registration.requested.time <= time,
            registration.end?.cause != .refused
        else { return nil }
        let isSame =
            packet.payloadLength == UInt32(context.count)
            && packet.payloadPrefix.first(Int(context.count)) == context
        let isFromServer = packet.source == registration.server
        let isRegisteredAddress = registration.callback?.address == packet.destination
        var reasons = [sentence(registration, isSame: isSame)]
        if let end = registration.end, end.seen.time <= time {
            guard isSame else { return nil }
            reasons.append("but that registration had ended: \(end.cause.rawValue) in \(names.frame(end.seen))")
            return NewMailClaim(confidence: .possible, reasons: reasons, hasRegisteredBytes: true)
        }
        // A refusal would have ended it.
        let isAccepted = registration.isAnswered(by: time)
        if isAccepted, let answered = registration.answered {
            reasons.append("the server accepted that registration in \(names.frame(answered))")
        } else {
            reasons.append("no answer of the server to that registration was seen before the datagram")
        }
        reasons += remarks(registration, packet)
        let confidence: Tag.Confidence =
            switch (isSame, isAccepted && isRegisteredAddress && registration.hasBind) {
            case (true, true): .confirmed
            case (true, false): .probable
            case (false, _): isAccepted && isFromServer ? .probable : .possible
            }
        return NewMailClaim(confidence: confidence, reasons: reasons, hasRegisteredBytes: isSame)
    }

    private func sentence(_ registration: PushRegistration, isSame: Bool) -> String {
        let count = registration.context.map { Int($0.count) } ?? 0
        let bytes = count == 1 ? "the 1 byte" : "the \(count) bytes"
        let port = registration.callback.map { "\($0.address) port \($0.port)" } ?? "its port"
        let place = "the client registered with \(registration.server) in \(names.frame(registration.requested))"
        return isSame
            ? "the payload is exactly \(bytes) that \(place), for notifications to \(port)"
            : "\(port) is where \(place) to be notified; the payload is not what it registered"
    }

    /// What is unusual about a registration's datagram.
    private func remarks(_ registration: PushRegistration, _ packet: IPPacket) -> [String] {
        var remarks: [String] = []
        if packet.source != registration.server {
            remarks.append(
                "it comes from \(packet.source) and not from \(registration.server), with which the client registered: "
                    + "as from a node of a cluster (KB 811061)")
        }
        if let callback = registration.callback, callback.address != packet.destination {
            remarks.append(
                "it goes to the address the client registered from; the address it registered is \(callback.address)")
        } else if registration.callback?.address != registration.client {
            remarks.append("the registration came from another address of the client, \(registration.client)")
        }
        if !registration.hasBind {
            remarks.append(
                "the captures have no bind for that connection: the registration was recognised by its structure alone, "
                    + "which is no proof")
        }
        return remarks
    }

    private func sealed(_ registration: PushRegistration, _ packet: IPPacket, _ time: Timestamp) -> NewMailClaim? {
        guard packet.payloadLength == NewMailClassifier.payloadLength,
            packet.destinationPort >= NewMailClassifier.lowestPort, registration.requested.time <= time,
            registration.end.map({ $0.seen.time > time }) ?? true
        else { return nil }
        let answer =
            registration.isAnswered(by: time)
            ? registration.answered.map { "the server answered it in \(names.frame($0))" } : nil
        return NewMailClaim(
            confidence: .probable,
            reasons: [
                "\(packet.destination) registered for notifications with this sender in "
                    + "\(names.frame(registration.requested)); the request is encrypted, so which port it registered could "
                    + "not be read",
                answer ?? "no answer of the server to that registration was seen before the datagram",
            ])
    }
}
