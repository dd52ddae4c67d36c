import Evidence
import Records
import Testing

@Suite("Task lists and socket lists")
struct ListingTests {
    /// Image, pid.
    private static func names(_ records: ForeignRecords) -> [String] {
        records.sightings.map { "\($0.imageName ?? "?") \($0.pid)" }
    }

    private static let expected = ["System Idle Process 0", "my tool.exe 4004", "store.exe 2136"]

    @Test(
        "every form of tasklist",
        arguments: [
            """

            Image Name                     PID Session Name        Session#    Mem Usage
            ========================= ======== ================ =========== ============
            System Idle Process              0 Services                   0         28 K
            my tool.exe                   4004                            1      2.168 K
            store.exe                     2136 Console                    0  1.040.592 K
            """,
            // XP and 2003 have narrower columns.
            """
            Image Name                   PID Session Name     Session#    Mem Usage
            ========================= ====== ================ ======== ============
            System Idle Process            0 Console                 0         28 K
            my tool.exe                 4004 Console                 0      2,168 K
            store.exe                   2136 Console                 0  1,040,592 K
            """,
            // Squeezed, with its header and without.
            """
            Image Name PID Session Name Session# Mem Usage
            System Idle Process 0 Console 0 28 K
            my tool.exe 4004 Console 0 2,168 K
            ...
            store.exe 2136 Console 0 1,040,592 K
            """,
            """
            System Idle Process 0 Console 0 28 K
            my tool.exe 4004 1 2 168 K
            store.exe 2136 Console 0 1 040 592 Ko
            """,
            // German.
            """

            Abbildname                     PID Sitzungsname       Sitz.-Nr. Speichernutzung
            ========================= ======== ================ =========== ===============
            System Idle Process              0 Services                   0            28 K
            my tool.exe                   4004 Console                    1         2.168 K
            store.exe                     2136 Console                    1     1.040.592 K
            """,
            // Russian: characters of two bytes.
            """

            Имя образа                     PID Имя сессии          № сеанса       Память
            ========================= ======== ================ =========== ============
            System Idle Process              0 Services                   0        28 КБ
            my tool.exe                   4004 Консоль                    1     2 168 КБ
            store.exe                     2136 Консоль                    0 1 040 592 КБ
            """,
            """
            "Image Name","PID","Session Name","Session#","Mem Usage"
            "System Idle Process","0","Services","0","28 K"
            "my tool.exe","4004","Console","0","2,168 K"
            "store.exe","2136","Console","0","1,040,592 K"
            """,
            """

            Image Name:   System Idle Process
            PID:          0
            Session Name: Services
            Session#:     0
            Mem Usage:    28 K

            Image Name:   my tool.exe
            PID:          4004
            Session Name: Console
            Session#:     0
            Mem Usage:    2,168 K

            Image Name:   store.exe
            PID:          2136
            Session Name: Console
            Session#:     0
            Mem Usage:    1,040,592 K
            """,
        ])
    func taskLists(text: String) throws {
        for bytes in [Array(text.utf8), utf16(text, bigEndian: false)] {
            let records = try ForeignRecords(bytes: bytes)
            #expect(records.kind == .taskList && records.damage.isEmpty, "\(records.damage)")
            #expect(Self.names(records) == Self.expected)
            #expect(records.listings.count == 1 && records.listings[0].taken == nil)
            #expect(records.sightings.allSatisfy { $0.occasion == .listed && $0.time == nil && !$0.isNameCut })
        }
    }

    @Test(
        "services, also where their list goes on in the next lines",
        arguments: [
            """
            Image Name                     PID Services
            ========================= ======== ============================================
            lsass.exe                      640 N/A
            svchost.exe                    884 DcomLaunch, PlugPlay,
                                               Power
            svchost.exe                    932 RpcEptMapper, RpcSs
            """,
            """
            lsass.exe 640 N/A
            svchost.exe 884 DcomLaunch, PlugPlay,
            Power
            svchost.exe 932 RpcEptMapper, RpcSs
            """,
            """
            "Image Name","PID","Services"
            "lsass.exe","640","Nicht zutreffend"
            "svchost.exe","884","DcomLaunch,PlugPlay,Power"
            "svchost.exe","932","RpcEptMapper,RpcSs"
            """,
            """
            Image Name: lsass.exe
            PID:        640
            Services:   N/A

            Image Name: svchost.exe
            PID:        884
            Services:   DcomLaunch, PlugPlay,
                        Power

            Image Name: svchost.exe
            PID:        932
            Services:   RpcEptMapper, RpcSs
            """,
        ])
    func services(text: String) throws {
        let records = try ForeignRecords(text)
        #expect(records.damage.isEmpty, "\(records.damage)")
        #expect(Self.names(records) == ["lsass.exe 640", "svchost.exe 884", "svchost.exe 932"])
        #expect(
            records.sightings.map(\.services) == [[], ["DcomLaunch", "PlugPlay", "Power"], ["RpcEptMapper", "RpcSs"]])
    }

    @Test("the verbose form has users; a name that fills its column may be cut")
    func verbose() throws {
        let ruler = [25, 8, 16, 11, 15, 15, 50, 12, 72].map { String(repeating: "=", count: $0) }
            .joined(separator: " ")
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: width - text.count) + " "
        }
        let row =
            pad("Microsoft.Exchange.Store.", 25) + pad("    2136", 8) + pad("Console", 16) + pad("0", 11)
            + pad("1,040 K", 15) + pad("Unknown", 15) + pad("EXAMPLE\\exch", 50) + pad("0:11:23", 12)
            + "a 12 Console 0 5 K"
        let records = try ForeignRecords("\(ruler)\n\(row)\n")
        #expect(records.sightings.map(\.user) == ["EXAMPLE\\exch"])
        #expect(records.sightings.map(\.isNameCut) == [true] && records.damage.isEmpty)
    }

    @Test("the time above a listing, and several listings in a file")
    func times() throws {
        let table = """
            Image Name                     PID Session Name        Session#    Mem Usage
            ========================= ======== ================ =========== ============
            store.exe                     2136 Console                    0  1,040,592 K
            """
        let records = try ForeignRecords(
            "2010-01-14T15:20:14.4548560+04:00\n\(table)\nLocalDateTime\r\r\n20100114153014.454856+240  \r\r\n\(table)\n\n\(table)\n"
        )
        #expect(
            records.listings.map(\.taken) == [
                Timestamp("2010-01-14T11:20:14.454856000Z"), Timestamp("2010-01-14T11:30:14.454856000Z"), nil,
            ])
        #expect(records.listings.map(\.number) == [1, 2, 3])
        #expect(records.sightings.map(\.listing) == records.listings.map(Optional.some))
        #expect(records.sightings.map(\.time) == records.listings.map(\.taken))
        #expect(records.damage.isEmpty, "\(records.damage)")
    }

    @Test("a line that is none is named with its place, and no name is guessed from it")
    func brokenRows() throws {
        let records = try ForeignRecords(
            "store.exe 2136 Console 0 1,040,592 K\na 12 b 13 Console 0 5 K x 3 y 0 5 K\nx\n")
        #expect(Self.names(records) == ["store.exe 2136"])
        #expect(records.damage.count == 2 && records.damage[0].hasPrefix("line 2, column 1: "))
    }

    @Test("netstat with and without images")
    func sockets() throws {
        let records = try ForeignRecords(
            """

            Active Connections

              Proto  Local Address          Foreign Address        State           PID
              TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       932
              RpcSs
             [svchost.exe]
              TCP    192.0.2.10:1060        192.0.2.21:389         HERGESTELLT     7176
             [mad.exe]
              TCP    [2001:db8::1%12]:1061  [2001:db8::7]:389      TIME_WAIT       0
              UDP    010.001.001.001:36003  *:*                                    2136
              UDP    [::]:123               *:*                                    884
              W32Time
              C:\\WINDOWS\\system32\\WS2_32.dll
              -- unknown component(s) --
             [svchost.exe]
             Can not obtain ownership information
            """)
        #expect(records.kind == .socketList && records.damage.isEmpty, "\(records.damage)")
        #expect(records.sockets.map(\.pid) == [932, 7176, nil, 2136, 884])
        #expect(records.sockets.map(\.localPort) == [135, 1060, 1061, 36003, 123])
        #expect(records.sockets.map(\.remotePort) == [nil, 389, 389, nil, nil])
        #expect(records.sockets.map(\.state) == ["LISTENING", "HERGESTELLT", "TIME_WAIT", nil, nil])
        #expect(
            records.sockets[2].localAddress == ip("2001:db8::1") && records.sockets[3].localAddress == ip("10.1.1.1"))
        #expect(Self.names(records) == ["svchost.exe 932", "mad.exe 7176", "svchost.exe 884"])
        #expect(records.sightings.map(\.services) == [["RpcSs"], [], ["W32Time"]])
    }

    @Test(
        "netstat without the options it needs",
        arguments: [
            ("  TCP    192.0.2.10:1060  192.0.2.21:389  ESTABLISHED\n", "run netstat with -o (netstat -ano)"),
            ("  TCP    mail:1060  dc1:ldap  ESTABLISHED  7176\n", "\"mail:1060\" is no address with a port in numbers"),
        ])
    func incompleteSockets(text: String, message: String) throws {
        let records = try ForeignRecords(text)
        #expect(records.sockets.isEmpty && records.damage.count == 1)
        #expect(records.damage.first?.contains(message) == true)
    }
}
