internal import Records

/// What Exchange's control channel says about notifications: who registered what, who serves, who fetched.
struct MailControl: ControlChannelSink, Sendable {
    /// A server of emsmdb and how that is known.
    struct Server: Sendable {
        enum Source: Sendable {
            case bind
            case endpointMapper
            /// A registration was recognised by its structure.
            case structure
        }

        let source: Source
        let seen: Sighting
    }

    private(set) var registrations: PushRegistrations
    private var servers: RecencyTable<IPAddress, Server>
    private var clients: RecencyTable<IPAddress, FetchHistory>

    init(configuration: ClassifierConfiguration) {
        registrations = PushRegistrations(limit: configuration.registrationLimit)
        servers = RecencyTable(capacity: configuration.mailHostLimit)
        clients = RecencyTable(capacity: configuration.mailHostLimit)
    }

    /// Nothing of the control channel was seen: nothing of it has a say.
    var isEmpty: Bool { registrations.isEmpty && servers.count == 0 && clients.count == 0 }

    /// Registrations that were let go since the last call.
    @inline(__always)
    mutating func takeLetGo() -> LossInterval? { registrations.letGo.take(as: .registrationTable) }

    /// How an address is known to serve emsmdb.
    func server(_ address: IPAddress) -> Server? { servers[address] }

    /// The fetches of a client.
    func fetches(of client: IPAddress) -> FetchHistory? { clients[client] }

    mutating func take(_ unit: ControlUnit, on connection: inout ControlConnection) {
        // A unit that only the other end may send is none of theirs.
        let isClients = unit.header.kind.isClients
        if let isClients, connection.clientDirection == nil {
            connection.clientDirection = isClients ? unit.direction : 1 - unit.direction
        }
        guard let client = connection.clientDirection,
            isClients.map({ $0 == (unit.direction == client) }) ?? true
        else { return }
        let parties = Parties(connection, clientDirection: client)
        let message = connection.rpc.take(unit.bytes, unit.header, at: unit.seen) { interface, opnum in
            Self.interest(interface, opnum, port: parties.server.port)
        }
        guard let message else { return }
        take(message, on: &connection, parties, at: unit.seen)
    }

    mutating func end(_ connection: ControlConnection, isLost: Bool, at seen: Sighting) {
        registrations.endConnection(connection.id, isLost ? .lostTrack : .connectionEnded, at: seen)
    }

    private struct Parties {
        let client: TCPEndpoint
        let server: TCPEndpoint

        init(_ connection: ControlConnection, clientDirection: Int) {
            let (first, second) = connection.ends
            (client, server) = clientDirection == 0 ? (first, second) : (second, first)
        }
    }

    /// Calls of a context whose bind was not seen are looked at where their structure can tell what they are.
    private static func interest(_ interface: RPCInterface?, _ opnum: UInt16, port: UInt16) -> RPCInterest {
        switch (interface, opnum) {
        case (.emsmdb, EMSMDBOperation.registerPushNotification), (nil, EMSMDBOperation.registerPushNotification):
            .wholeAndAnswer
        case (.emsmdb, EMSMDBOperation.disconnect), (.emsmdb, EMSMDBOperation.unregisterPushNotification): .whole
        case (.emsmdb, let opnum) where EMSMDBOperation.fetches.contains(opnum): .begin
        case (.endpointMapper, EndpointMapperAnswer.opnum): .wholeAndAnswer
        case (nil, EndpointMapperAnswer.opnum) where port == 135: .wholeAndAnswer
        default: .none
        }
    }

    private mutating func take(
        _ message: RPCMessage, on connection: inout ControlConnection, _ parties: Parties, at seen: Sighting
    ) {
        switch message {
        case .bound(let interfaces):
            if interfaces.contains(.emsmdb) { noteService(parties, .bind, seen) }
        case .begun:
            clients.touch(parties.client.address, default: FetchHistory.init) { $0.note(seen) }
        case .request(let call, let stub): takeRequest(call, stub, on: &connection, parties, at: seen)
        case .response(let call, let stub):
            guard call.opnum == EMSMDBOperation.registerPushNotification else {
                for endpoint in EndpointMapperAnswer.endpoints(of: .emsmdb, in: stub) {
                    servers.touch(endpoint.address, default: { Server(source: .endpointMapper, seen: seen) })
                }
                return
            }
            let response = call.isSealed ? nil : PushNotificationResponse(stub)
            guard call.isSealed || response != nil else { return }
            registrations.answer(connection: connection.id, callID: call.id, response: response, at: seen)
        case .fault(let call, _): registrations.refuse(connection: connection.id, callID: call.id, at: seen)
        }
    }

    private mutating func noteService(_ parties: Parties, _ source: Server.Source, _ seen: Sighting) {
        servers.touch(parties.server.address, default: { Server(source: source, seen: seen) })
        clients.touch(parties.client.address, default: FetchHistory.init)
    }

    private mutating func takeRequest(
        _ call: RPCCall, _ stub: RPCStub, on connection: inout ControlConnection, _ parties: Parties,
        at seen: Sighting
    ) {
        switch call.opnum {
        case EMSMDBOperation.registerPushNotification:
            register(call, stub, on: &connection, parties, at: seen)
        case EMSMDBOperation.disconnect, EMSMDBOperation.unregisterPushNotification:
            let handle = call.isSealed ? nil : ContextHandle(stub.bytes)
            registrations.endSession(
                connection.id, handle, call.opnum == EMSMDBOperation.disconnect ? .disconnected : .unregistered,
                at: seen)
        default: break
        }
    }

    private mutating func register(
        _ call: RPCCall, _ stub: RPCStub, on connection: inout ControlConnection, _ parties: Parties,
        at seen: Sighting
    ) {
        let hasBind = call.interface == .emsmdb && !connection.hasInferred(call.context)
        var request: PushNotificationRequest?
        if call.isSealed {
            // Without a bind an encrypted call could be any interface's.
            guard hasBind else { return }
        } else {
            guard let read = PushNotificationRequest(stub) else { return }
            if !hasBind {
                guard read.isStrict, read.callback.address == parties.client.address else { return }
                connection.infer(call.context)
                noteService(parties, .structure, seen)
            }
            request = read
        }
        registrations.insert(
            PushRegistration(
                client: parties.client.address, clientPort: parties.client.port, server: parties.server.address,
                serverPort: parties.server.port,
                callback: request.map { .init(address: $0.callback.address, port: $0.callback.port) },
                context: request?.context, authLevel: call.authLevel, hasBind: hasBind, requested: seen,
                handle: request?.handle, connection: connection.id, callID: call.id))
    }
}

/// When a client fetched: the begins of its busy times.
struct FetchHistory: Sendable {
    /// A fetch so soon after another one says nothing new.
    static let reach: Int64 = 100_000_000
    private static let capacity = 16

    private var begins: [Sighting] = []
    private var latest = Timestamp.distantPast

    /// Notes a fetch.
    mutating func note(_ seen: Sighting) {
        defer { latest = max(latest, seen.time) }
        guard latest == .distantPast || seen.time.since(latest) > Self.reach else { return }
        if begins.count == Self.capacity { begins.removeFirst() }
        begins.append(seen)
    }

    /// The fetch with which the client broke its silence within 100 ms after `time`.
    func first(after time: Timestamp) -> Sighting? {
        begins.first { $0.time > time && $0.time.since(time) <= Self.reach }
    }
}
