import CAttributionEvents
import Records
import Testing

@testable import Probe

@Suite("Who can have sent a packet that a queue held")
struct SocketUsersTests {
    private static let cookie: UInt64 = 77
    private static let second: UInt64 = 1_000_000_000

    private static func task(_ pid: UInt32, thread: UInt32? = nil, flags: UInt32 = 0) -> attribution_task {
        var task = attribution_task()
        task.tgid = pid
        task.tid = thread ?? pid
        task.start_time = UInt64(pid) * 10
        task.flags = flags
        task.comm.0 = 1
        return task
    }

    private static func packet(
        at time: UInt64, state: attribution_socket_state = ATTRIBUTION_SOCKET_UDP
    ) -> attribution_send {
        var packet = attribution_send()
        packet.time = time
        packet.socket_cookie = cookie
        packet.socket = UInt8(state.rawValue)
        return packet
    }

    /// "nobody", or the process ids, with a question mark where it is not certain.
    private static func text(_ answer: SocketUsers.Answer) -> String {
        switch answer {
        case .nobody: "nobody"
        case .one(let task, let isCertain): "\(task.tgid)\(isCertain ? "" : "?")"
        case .several(let tasks): tasks.map { "\($0.tgid)" }.sorted().joined(separator: " ")
        }
    }

    /// Uses as (process, seconds); the packet comes back at ten seconds.
    @Test(
        arguments: [
            ([], "nobody"), ([(4, 9)], "4"), ([(4, 9), (4, 10)], "4"),
            // Long ago, but nobody else ever used it.
            ([(4, 1)], "4"),
            ([(4, 9), (5, 8)], "4 5"), ([(4, 9), (5, 1)], "4 5"), ([(4, 2), (5, 1)], "4 5"),
            // A use that was recorded long after the packet came back is not its send.
            ([(4, 9), (5, 11)], "4"),
        ] as [([(pid: UInt32, second: UInt64)], String)])
    func answers(uses: [(pid: UInt32, second: UInt64)], expected: String) {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        for use in uses { users.note(Self.cookie, Self.task(use.pid), time: use.second * Self.second) }
        #expect(Self.text(users.answer(Self.packet(at: 10 * Self.second), created: 0, seesEveryUse: true)) == expected)
    }

    @Test("A send that returns a moment after its packet came back counts")
    func lateUse() {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.note(Self.cookie, Self.task(4), time: 9 * Self.second)
        users.note(Self.cookie, Self.task(5), time: 10 * Self.second + SocketUsers.patience)
        #expect(Self.text(users.answer(Self.packet(at: 10 * Self.second), created: 0, seesEveryUse: true)) == "4 5")
    }

    private static func answer(_ users: SocketUsers, at second: UInt64, created: UInt64?) -> String {
        text(
            users.answer(
                packet(at: second * Self.second), created: created.map { $0 * Self.second }, seesEveryUse: true))
    }

    @Test("What may have been sent before uses were recorded has no sender")
    func notKnownYet() {
        var users = SocketUsers()
        users.note(Self.cookie, Self.task(4), time: Self.second)
        #expect(Self.answer(users, at: 2, created: 1) == "nobody")
        users.begin(at: 3 * Self.second)
        users.note(Self.cookie, Self.task(4), time: 4 * Self.second)
        // Somebody may have used an older socket before, and that packet may be the one that is held.
        #expect(
            Self.answer(users, at: 20, created: nil) == "nobody" && Self.answer(users, at: 20, created: 2) == "nobody")
        #expect(Self.answer(users, at: 5, created: 3) == "4", "a younger socket has no other users")
        users.noteEmptyQueues(at: 30 * Self.second)
        #expect(
            Self.answer(users, at: 29, created: nil) == "nobody" && Self.answer(users, at: 30, created: nil) == "4?")
    }

    @Test("After a loss of uses sockets from before it are unknown until the queues are seen empty again")
    func afterALoss() {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.begin(at: 4 * Self.second)
        users.note(Self.cookie, Self.task(5), time: 5 * Self.second)
        #expect(Self.answer(users, at: 100, created: 1) == "nobody")
        #expect(Self.answer(users, at: 6, created: 4) == "5")
        users.noteEmptyQueues(at: 7 * Self.second)
        #expect(Self.answer(users, at: 8, created: 1) == "5?")
    }

    @Test("A process that became another program while its packet was held is not named after either")
    func anotherImage() {
        var users = SocketUsers()
        users.begin(at: 0)
        var before = Self.task(4)
        before.image_version = 1
        var after = before
        after.image_version = 2
        users.note(Self.cookie, before, time: Self.second)
        #expect(Self.answer(users, at: 2, created: 0) == "4")
        users.note(Self.cookie, after, time: 2 * Self.second)
        #expect(Self.answer(users, at: 3, created: 0) == "nobody")
    }

    @Test("Of more users than are kept the sender may be one that is not")
    func tooManyUsers() {
        var users = SocketUsers()
        users.begin(at: 0)
        for pid: UInt32 in 1...16 { users.note(Self.cookie, Self.task(pid), time: Self.second) }
        #expect(Self.answer(users, at: 2, created: 0).split(separator: " ").count == 16)
        users.note(Self.cookie, Self.task(17), time: Self.second)
        #expect(Self.answer(users, at: 2, created: 0) == "nobody")
    }

    /// Where only unconnected UDP is seen, nothing is certain and other sockets have no sender.
    @Test(arguments: [
        (ATTRIBUTION_SOCKET_UDP.rawValue, "4?"),
        (ATTRIBUTION_SOCKET_UDP.rawValue | ATTRIBUTION_SOCKET_CONNECTED.rawValue, "nobody"), (0, "nobody"),
    ])
    func olderKernels(state: UInt32, expected: String) {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.note(Self.cookie, Self.task(4), time: Self.second)
        let packet = Self.packet(at: 2 * Self.second, state: attribution_socket_state(rawValue: state))
        #expect(Self.text(users.answer(packet, created: 0, seesEveryUse: false)) == expected)
    }

    @Test("Neither a kernel thread nor a tunnel's socket has an answer")
    func kernelUses() {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.note(Self.cookie, Self.task(4), time: Self.second)
        let tunnel = Self.packet(at: 2 * Self.second, state: ATTRIBUTION_SOCKET_ENCAPSULATES)
        #expect(Self.text(users.answer(tunnel, created: 0, seesEveryUse: true)) == "nobody")
        users.note(Self.cookie, Self.task(9, flags: 0x0020_0000), time: Self.second)
        #expect(Self.text(users.answer(Self.packet(at: 2 * Self.second), created: 0, seesEveryUse: true)) == "nobody")
    }

    @Test("Of two threads neither is named")
    func threads() {
        var users = SocketUsers()
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.note(Self.cookie, Self.task(4), time: Self.second)
        users.note(Self.cookie, Self.task(4, thread: 5), time: Self.second)
        guard case .one(let task, true) = users.answer(Self.packet(at: 2 * Self.second), created: 0, seesEveryUse: true)
        else {
            Issue.record("the process is certain")
            return
        }
        #expect(task.tgid == 4 && task.tid == 0 && task.comm.0 == 0)
    }

    /// A flood of sockets makes the table forget. What is forgotten may have been used by somebody else.
    @Test func forgottenUsersMakeNobodyCertain() {
        var users = SocketUsers(capacity: 8)
        users.begin(at: 0)
        users.noteEmptyQueues(at: 0)
        users.note(Self.cookie, Self.task(4), time: Self.second)
        for other in 0..<64 { users.note(1000 + UInt64(other), Self.task(6), time: 2 * Self.second) }
        users.note(Self.cookie, Self.task(5), time: 3 * Self.second)
        #expect(Self.answer(users, at: 4, created: 0) == "nobody")
        #expect(Self.answer(users, at: 400, created: nil) == "nobody")
    }

    @Test(
        arguments: [
            ("", false, 0), ("   32  12345     0 2 65531     0     0      253  1\n", true, 0),
            ("    1     99     2 1 65531     0     0  1  1\n    2     99     3 1 65531     0     0  1  1\n", true, 5),
        ] as [(String, Bool, UInt64)])
    func queuesOfTheMachine(content: String, exist: Bool, waiting: UInt64) {
        var queues = NetworkInventory.Queues()
        queues.add(Array(content.utf8))
        #expect(queues.exist == exist && queues.waiting == waiting)
    }

    @Test("The creators' table forgets the oldest, and keeps the newest")
    func creators() {
        var creators = SocketCreators(capacity: 8)
        for cookie in UInt64(1)...40 { creators.note(cookie, SocketCreator(Self.task(UInt32(cookie))), time: cookie) }
        #expect(creators[40]?.creator.process.pid == 40 && creators[40]?.time == 40)
        #expect(creators[1] == nil)
    }
}
