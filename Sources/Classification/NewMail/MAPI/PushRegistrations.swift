internal import Records

/// The registrations of a run, in the order of their requests, in bounds.
struct PushRegistrations: Sendable {
    /// The most that one port, or one pair of client and server, keeps: older ones have long ended.
    private static let perKeyLimit = 8
    /// The most that one connection has open at once: sessions are few.
    private static let perConnectionLimit = 32

    private let limit: Int
    private(set) var entries: [PushRegistration] = []
    /// How many were let go of for want of room.
    private(set) var dropped: UInt64 = 0
    /// Those among them that had not ended, and those whose connection is followed no longer.
    var letGo = LetGo()
    private var byCallback: [PushRegistration.Callback: [UInt64]] = [:]
    private var sealedByPair: [Pair: [UInt64]] = [:]
    private var byConnection: [UInt64: [UInt64]] = [:]

    private struct Pair: Hashable {
        let client: IPAddress
        let server: IPAddress
    }

    init(limit: Int) { self.limit = max(limit, 16) }

    var isEmpty: Bool { entries.isEmpty }

    /// Those for a port, latest first: by the registered address, and by the connection's where it differs.
    func registrations(for callback: PushRegistration.Callback) -> [PushRegistration] {
        entries(byCallback[callback])
    }

    /// Encrypted ones of a client with a server, latest first.
    func sealed(client: IPAddress, server: IPAddress) -> [PushRegistration] {
        entries(sealedByPair[Pair(client: client, server: server)])
    }

    mutating func insert(_ registration: PushRegistration) {
        if entries.count >= limit { letGoOfHalf(at: registration.requested.time) }
        // A call's id may be used again; the latest has the answer.
        let number = dropped + UInt64(entries.count)
        entries.append(registration)
        follow(number, registration)
        guard let callback = registration.callback else {
            Self.add(
                number, to: &sealedByPair[Pair(client: registration.client, server: registration.server), default: []])
            return
        }
        Self.add(number, to: &byCallback[callback, default: []])
        if callback.address != registration.client {
            let other = PushRegistration.Callback(address: registration.client, port: callback.port)
            Self.add(number, to: &byCallback[other, default: []])
        }
    }

    /// Remembers which connection a registration came over; what has ended there is of no interest any more.
    private mutating func follow(_ number: UInt64, _ registration: PushRegistration) {
        var open = indices(registration.connection).filter { entries[$0].end == nil }
        if open.count == Self.perConnectionLimit {
            end(open.removeFirst(), .lostTrack, at: registration.requested)
        }
        byConnection[registration.connection] = open.map { dropped + UInt64($0) } + [number]
    }

    /// Notes the response to a request.
    mutating func answer(
        connection: UInt64, callID: UInt32, response: PushNotificationResponse?, at seen: Sighting
    ) {
        guard let index = latest(connection, callID) else { return }
        entries[index].answered = seen
        entries[index].status = response?.status
        guard let response, !entries[index].isSealed else { return replaceEarlier(than: index, at: seen) }
        if response.status != 0 {
            end(index, .refused, at: seen)
        } else if response.handle.isZero {
            end(index, .sessionDestroyed, at: seen)
        } else {
            return replaceEarlier(than: index, at: seen)
        }
        if response.handle.isZero { endSession(connection, entries[index].handle, .sessionDestroyed, at: seen) }
    }

    /// Notes that the call failed.
    mutating func refuse(connection: UInt64, callID: UInt32, at seen: Sighting) {
        guard let index = latest(connection, callID) else { return }
        entries[index].answered = seen
        end(index, .refused, at: seen)
    }

    /// Ends what a session has registered; of encrypted calls the session is not known, so each of them may be meant.
    mutating func endSession(
        _ connection: UInt64, _ handle: ContextHandle?, _ cause: PushRegistration.EndCause, at seen: Sighting
    ) {
        for index in indices(connection) {
            let own = entries[index].handle
            if handle == nil || own == nil || own == handle { end(index, cause, at: seen) }
        }
    }

    /// Ends what was registered over a connection.
    mutating func endConnection(_ connection: UInt64, _ cause: PushRegistration.EndCause, at seen: Sighting) {
        for index in indices(connection) { end(index, cause, at: seen) }
    }

    private mutating func replaceEarlier(than index: Int, at seen: Sighting) {
        let handle = entries[index].handle
        for other in indices(entries[index].connection) where other < index && entries[other].handle == handle {
            end(other, .replaced, at: seen)
        }
    }

    private mutating func end(_ index: Int, _ cause: PushRegistration.EndCause, at seen: Sighting) {
        // A FIN that came before the disconnect it follows is not the cause.
        let known = entries[index].end?.cause
        guard known == nil || known == .connectionEnded && cause == .disconnected else { return }
        if cause == .lostTrack { letGo.note(from: seen.time, to: seen.time) }
        entries[index].end = PushRegistration.End(cause: cause, seen: seen)
    }

    private func latest(_ connection: UInt64, _ callID: UInt32) -> Int? {
        indices(connection).last { entries[$0].callID == callID }
    }

    private func indices(_ connection: UInt64) -> [Int] {
        (byConnection[connection] ?? []).compactMap { $0 < dropped ? nil : Int($0 - dropped) }
    }

    private func entries(_ numbers: [UInt64]?) -> [PushRegistration] {
        guard let numbers else { return [] }
        return numbers.reversed().compactMap { $0 < dropped ? nil : entries[Int($0 - dropped)] }
    }

    private static func add(_ number: UInt64, to numbers: inout [UInt64]) {
        if numbers.count == perKeyLimit { numbers.removeFirst() }
        numbers.append(number)
    }

    private mutating func letGoOfHalf(at moment: Timestamp) {
        let count = entries.count / 2
        let open = entries.prefix(count).count { $0.end == nil }
        if open > 0 { letGo.note(UInt64(open), from: moment, to: moment) }
        entries.removeFirst(count)
        dropped += UInt64(count)
        let first = dropped
        byCallback = byCallback.compactMapValues { Self.kept($0, from: first) }
        sealedByPair = sealedByPair.compactMapValues { Self.kept($0, from: first) }
        byConnection = byConnection.compactMapValues { Self.kept($0, from: first) }
    }

    private static func kept(_ numbers: [UInt64], from first: UInt64) -> [UInt64]? {
        let rest = numbers.filter { $0 >= first }
        return rest.isEmpty ? nil : rest
    }
}
