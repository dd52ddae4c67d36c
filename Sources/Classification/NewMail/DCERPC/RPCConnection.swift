/// A call of a client, by its first fragment.
struct RPCCall: Sendable {
    let id: UInt32
    let context: UInt16
    /// nil where no bind was seen for the context.
    let interface: RPCInterface?
    let opnum: UInt16
    /// Of the security trailer; 0 without one.
    let authLevel: UInt8
    let begun: Sighting

    /// The stub is encrypted.
    var isSealed: Bool { authLevel == AuthTrailer.privacy }
}

/// A stub with what is needed to read it.
struct RPCStub: Sendable {
    var bytes: [UInt8]
    let isBigEndian: Bool
}

/// What a unit means.
enum RPCMessage: Sendable {
    /// These interfaces may be called from now on.
    case bound([RPCInterface])
    /// A call of which only the begin is of interest.
    case begun(RPCCall)
    /// A call with its whole stub.
    case request(RPCCall, RPCStub)
    /// The answer to a call that was handed out as ``request(_:_:)``.
    case response(RPCCall, RPCStub)
    /// The same call failed.
    case fault(RPCCall, status: UInt32)
}

/// How much of a call is wanted.
enum RPCInterest: Sendable {
    case none
    case begin
    case whole
    case wholeAndAnswer
}

/// The DCE/RPC state of one connection: presentation contexts, fragments and outstanding calls.
struct RPCConnection: Sendable {
    private struct Call: Sendable {
        let call: RPCCall
        var stub: RPCStub
        let wantsAnswer: Bool
        /// All of the request is here: what is collected now is the response.
        var isAnswering = false
        var answer: RPCStub?
    }

    private static let callLimit = 32
    /// More than any stub of interest has, verification trailer included.
    private static let stubLimit = 1024

    var presentations = Presentations()
    private var calls: [Call] = []

    /// Takes the next unit of either direction.
    mutating func take(
        _ unit: [UInt8], _ header: PDUHeader, at seen: Sighting,
        interest: (RPCInterface?, UInt16) -> RPCInterest
    ) -> RPCMessage? {
        switch header.kind {
        case .bind, .alterContext:
            presentations.propose(unit, header)
            return nil
        case .bindAck, .alterContextResponse:
            let accepted = presentations.accept(unit, header)
            return accepted.isEmpty ? nil : .bound(accepted)
        case .bindNak:
            presentations.refuse(header)
            return nil
        case .request: return takeRequest(unit, header, seen, interest)
        case .response: return takeResponse(unit, header)
        case .fault:
            guard let index = calls.firstIndex(where: { $0.call.id == header.callID }) else { return nil }
            var cursor = WireCursor(unit, from: 24, isBigEndian: header.isBigEndian)
            return .fault(calls.remove(at: index).call, status: cursor.uint32())
        case .orphaned, .cancel:
            calls.removeAll { $0.call.id == header.callID && !$0.isAnswering }
            return nil
        case .auth3, .shutdown, .rts: return nil
        }
    }

    private mutating func takeRequest(
        _ unit: [UInt8], _ header: PDUHeader, _ seen: Sighting, _ interest: (RPCInterface?, UInt16) -> RPCInterest
    ) -> RPCMessage? {
        var cursor = WireCursor(unit, from: 20, isBigEndian: header.isBigEndian)
        let context = cursor.uint16()
        let opnum = cursor.uint16()
        let start = header.flags & PDUHeader.objectUUID != 0 ? 40 : 24
        guard let stub = stub(unit, header, from: start) else { return nil }
        guard header.isFirst else { return takeLaterFragment(stub.bytes, header) }

        let agreed = presentations[context]
        if let agreed, agreed.transfer == .foreign { return nil }
        let wanted = interest(agreed?.interface, opnum)
        guard wanted != .none else { return nil }
        let call = RPCCall(
            id: header.callID, context: context, interface: agreed?.interface, opnum: opnum, authLevel: stub.level,
            begun: seen)
        if wanted == .begin { return .begun(call) }
        calls.removeAll { $0.call.id == header.callID }
        if calls.count == Self.callLimit { calls.removeFirst() }
        calls.append(
            Call(
                call: call, stub: RPCStub(bytes: Array(stub.bytes), isBigEndian: header.isBigEndian),
                wantsAnswer: wanted == .wholeAndAnswer))
        return header.isLast ? complete(calls.count - 1) : nil
    }

    private mutating func takeLaterFragment(_ bytes: ArraySlice<UInt8>, _ header: PDUHeader) -> RPCMessage? {
        guard let index = calls.firstIndex(where: { $0.call.id == header.callID && !$0.isAnswering }) else {
            return nil
        }
        guard calls[index].stub.bytes.count + bytes.count <= Self.stubLimit else {
            calls.remove(at: index)
            return nil
        }
        calls[index].stub.bytes += bytes
        return header.isLast ? complete(index) : nil
    }

    private mutating func complete(_ index: Int) -> RPCMessage {
        calls[index].isAnswering = true
        let entry = calls[index]
        if !entry.wantsAnswer { calls.remove(at: index) }
        return .request(entry.call, entry.stub)
    }

    private mutating func takeResponse(_ unit: [UInt8], _ header: PDUHeader) -> RPCMessage? {
        guard let index = calls.firstIndex(where: { $0.call.id == header.callID && $0.isAnswering }),
            let stub = stub(unit, header, from: 24)
        else { return nil }
        if header.isFirst {
            calls[index].answer = RPCStub(bytes: Array(stub.bytes), isBigEndian: header.isBigEndian)
        } else if let answer = calls[index].answer, answer.bytes.count + stub.bytes.count <= Self.stubLimit {
            calls[index].answer?.bytes += stub.bytes
        } else {
            // Its begin is missing, or it is longer than any answer of interest.
            calls.remove(at: index)
            return nil
        }
        guard header.isLast, let answer = calls[index].answer else { return nil }
        return .response(calls.remove(at: index).call, answer)
    }

    /// The stub of one fragment without padding and security trailer, and the trailer's level.
    private func stub(
        _ unit: [UInt8], _ header: PDUHeader, from start: Int
    ) -> (bytes: ArraySlice<UInt8>, level: UInt8)? {
        guard start <= header.fragmentLength else { return nil }
        let trailer = AuthTrailer(unit, header, stubStart: start)
        let end = min(trailer?.stubEnd ?? header.fragmentLength, unit.count)
        guard end >= start else { return ([], trailer?.level ?? 0) }
        return (unit[start..<end], trailer?.level ?? 0)
    }
}
