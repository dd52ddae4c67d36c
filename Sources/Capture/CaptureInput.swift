internal import Glibc
internal import PcapNG
internal import Records
internal import SystemPackage
internal import TextEscaping

/// The bytes of a file or of standard input, decompressed where they are gzipped: told by the first bytes, not by name.
///
/// A failure to read on ends the bytes and is kept in ``failure``: what came before it is used all the same.
@safe
final class CaptureInput {
    /// The file's name for messages (escaped).
    let name: String
    /// How many bytes were handed out.
    private(set) var position: UInt64 = 0
    /// What ended the bytes before their time.
    private(set) var failure: Damage?

    private let descriptor: FileDescriptor
    private let ownsDescriptor: Bool
    /// Bytes that were read ahead to tell the kind of the file.
    private var readAhead: [UInt8] = []
    private var inflater: Inflater?

    /// How many compressed bytes are read at once.
    private static let chunk = 128 * 1024

    /// Opens a file, or standard input for `-`.
    init(path: String) throws(CaptureError) {
        let isStandardInput = path == "-"
        name = isStandardInput ? "standard input" : LosslessEscape.text(path)
        ownsDescriptor = !isStandardInput
        do {
            descriptor =
                try isStandardInput
                ? .standardInput : FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        } catch {
            throw .opening(name, error as? Errno ?? .ioError)
        }
        do throws(Errno) {
            // Two bytes tell gzip; a pipe may hand them over one by one.
            try readAhead(2)
            if readAhead == [0x1F, 0x8B] {
                guard let inflater = Inflater(capacity: Self.chunk) else { throw Errno.noMemory }
                self.inflater = inflater
            }
        } catch {
            // All is initialised: `deinit` runs and closes.
            throw .opening(name, operation: "read", error)
        }
    }

    deinit {
        if ownsDescriptor { try? descriptor.close() }
    }

    /// How far the file is read; nil for a pipe.
    var progress: ReadProgress? { ReadProgress(descriptor) }

    /// Reads until `count` bytes are held or the file ends.
    private func readAhead(_ count: Int) throws(Errno) {
        while readAhead.count < count {
            var bytes = [UInt8](repeating: 0, count: count - readAhead.count)
            let got = unsafe bytes.withUnsafeMutableBytes { buffer -> Result<Int, Errno> in
                unsafe readDescriptor(into: buffer)
            }
            if try got.get() == 0 { return }
            readAhead += bytes.prefix(try got.get())
        }
    }

    /// Reading never waits for anybody but the disk.
    var isRegularFile: Bool {
        var status = stat()
        return unsafe fstat(descriptor.rawValue, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// The first bytes of the (decompressed) file without using them up; fewer where there are no more.
    func peek(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        peeked = bytes
        position = 0
        return bytes
    }

    private var peeked: [UInt8] = []

    /// Reads at most as many bytes as fit.
    ///
    /// - Returns: how many, 0 only at the end; see ``failure`` then.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard buffer.count > 0 else { return 0 }
        let count: Int
        if !peeked.isEmpty {
            count = unsafe take(&peeked, into: buffer)
        } else if failure != nil {
            return 0
        } else if let inflater {
            count = unsafe decompress(inflater, into: buffer)
        } else {
            count = unsafe readPlain(into: buffer)
        }
        position += UInt64(count)
        return count
    }

    private func take(_ bytes: inout [UInt8], into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(bytes.count, buffer.count)
        unsafe buffer.copyBytes(from: bytes.prefix(count))
        bytes.removeFirst(count)
        return count
    }

    private func readPlain(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if !readAhead.isEmpty { return unsafe take(&readAhead, into: buffer) }
        switch unsafe readDescriptor(into: buffer) {
        case .success(let count): return count
        case .failure(let error):
            fail("the file cannot be read any further: \(error)")
            return 0
        }
    }

    private func decompress(_ inflater: Inflater, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            switch unsafe inflater.step(into: buffer) {
            case .produced(let count): return count
            case .ended: return 0
            case .damaged(let message):
                fail("the gzip data is damaged from here on: \(message)")
                return 0
            case .needsInput:
                // What `readAhead` holds comes first.
                let hasMore = unsafe inflater.refill { unsafe readPlain(into: $0) }
                if hasMore { continue }
                if failure == nil, !inflater.mayEnd { fail("the gzip data ends early: the file is not complete") }
                return 0
            }
        }
    }

    private func fail(_ what: String) {
        failure = Damage(file: name, offset: position, what: what)
    }

    private func readDescriptor(into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, Errno> {
        do {
            return .success(try unsafe descriptor.read(into: buffer, retryOnInterrupt: true))
        } catch {
            return .failure(error as? Errno ?? .ioError)
        }
    }
}

/// Feeds a capture's bytes to the reader of pcapng blocks.
struct CaptureInputSource: ByteSource {
    let input: CaptureInput

    mutating func read(into buffer: inout MutableRawSpan) throws(ByteSourceError) -> Int {
        unsafe buffer.withUnsafeMutableBytes { unsafe input.read(into: $0) }
    }
}
