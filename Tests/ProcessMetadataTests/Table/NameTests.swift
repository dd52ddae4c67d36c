import Records
import Testing

@testable import ProcessMetadata

@Suite struct NameTests {
    let process = key(30, 700)

    func rename(_ name: String, thread: UInt32? = nil, at milliseconds: Int64) -> ProcessRecord {
        ProcessRecord(
            event: .rename, time: moment(milliseconds), process: process, thread: thread, imageVersion: 2,
            name: TaskName(name.utf8))
    }

    @Test func theLeadersRenameChangesTheNameFromThenOn() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0), rename("idle", at: 100)])
        #expect(table.describe(process, version: 2, at: 99)?.name == "store")
        #expect(table.describe(process, version: 2, at: 100)?.name == "idle")
        #expect(table.describe(process, version: 2, at: 99)?.name == "store")
        #expect(table.describe(process, version: 2, at: 100)?.executable == "/usr/bin/store")
    }

    @Test func anotherThreadsRenameDoesNot() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0), rename("io", thread: 31, at: 100)])
        #expect(table.describe(process, version: 2, at: 200)?.name == "store")
        #expect(table.threadName(host: 0, process: process, thread: 31, at: moment(200)) == "io")
        #expect(table.threadName(host: 0, process: process, thread: 31, at: moment(50)) == nil)
        #expect(table.threadName(host: 0, process: process, thread: 30, at: moment(200)) == "store")
        #expect(table.threadName(host: 0, process: process, thread: 32, at: moment(200)) == nil)
    }

    @Test func aNameBeforeTheFirstKnownRenameIsUnknown() {
        var table = ProcessTable([rename("later", at: 100)])
        #expect(table.describe(process, version: 2, at: 50)?.name == nil)
        #expect(table.describe(process, version: 2, at: 100)?.name == "later")
    }

    @Test func renamesWithoutEndKeepTheImage() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for index: Int64 in 1...1000 { table.add(rename("n\(index)", at: index)) }
        let last = table.describe(process, version: 2, at: 1000)
        #expect(last?.name == "n1000" && last?.executable == "/usr/bin/store")
        #expect(table.describe(process, version: 2, at: 500)?.name == nil, "a name that was let go is not guessed")
        #expect(table.describe(process, version: 2, at: 500)?.executable == "/usr/bin/store")
        #expect(table.describe(process, version: 2, at: 0)?.name == "store")
        #expect(table.takeLetGo().reduce(0) { $0 + $1.count } > 800, "lost names are counted")
        for index: UInt32 in 0..<1000 {
            table.add(rename("t", thread: 1000 + index, at: 2000 + Int64(index)))
        }
        #expect(table.store.entries[0].threads.count == 64)
    }

    /// Bursts of renames between sends: the name that stood while a packet was sent outlasts those of microseconds.
    @Test func theNamesThatHeldLongestAreKept() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for burst: Int64 in 1...20 {
            for index: Int64 in 0..<200 {
                var record = rename("b\(burst)n\(index)", at: burst * 50)
                record.time = record.time.advanced(by: index * 10_000)
                table.add(record)
            }
        }
        for burst: Int64 in 1...20 {
            #expect(table.describe(process, version: 2, at: burst * 50 + 40)?.name == "b\(burst)n199")
            if burst < 20 { #expect(table.describe(process, version: 2, at: burst * 50 + 1)?.name == nil) }
        }
        #expect(table.store.entries[0].timeline.moments.count <= 128)
    }

    /// Looks between renames: the hash of what runs stays, and a look that comes late tells no wrong name.
    @Test func renamesWithoutEndKeepTheHash() {
        var table = ProcessTable([exec(process, "store", version: 2, at: 0)])
        for index: Int64 in 1...1000 {
            table.add(rename("n\(index)", at: index * 2))
            guard index.isMultiple(of: 5) else { continue }
            var look = snapshot(process, "n\(index)", at: index * 2 + 1)
            look.executable = nil
            look.image = ImageObservation(sha256: "\(index < 20 ? "" : "hash")")
            if index < 20 { look.image?.sha256 = nil }
            table.add(look)
        }
        let last = table.describe(process, version: 2, at: 2001)
        #expect(last?.name == "n1000" && last?.executable == "/usr/bin/store" && last?.sha256 == "hash")
        var late = snapshot(process, "n300", at: 601)
        late.image = ImageObservation(sha256: "hash")
        table.add(late)
        #expect(table.describe(process, version: 2, at: 605)?.name == nil)
        #expect(table.describe(process, version: 2, at: 605)?.sha256 == "hash")
    }

    @Test(arguments: [
        ([UInt8(0x1B)] + Array("[31mred".utf8), "\\x1b[31mred"), ([0xFF, 0xFE, UInt8(ascii: "a")], "\\xff\\xfea"),
        (Array("a\u{202E}b".utf8), "a\\xe2\\x80\\xaeb"), (Array("k (sd) x".utf8), "k (sd) x"),
        (Array("fünfzehn-bytes".utf8), "fünfzehn-bytes"),
    ])
    func hostileNamesAreEscaped(bytes: [UInt8], text: String) {
        var record = exec(process, "x", version: 1, at: 0)
        record.name = TaskName(bytes)
        var table = ProcessTable([record])
        #expect(table.describe(process, version: 1, at: 0)?.name == text)
        #expect(table.threadText(record.name) == text)
    }
}
