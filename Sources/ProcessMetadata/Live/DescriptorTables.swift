internal import Records
internal import SystemPackage

/// A table of descriptors: the process's, or that of threads of it that have one of their own (CLONE_FILES unshared).
struct DescriptorTable: Hashable, Sendable {
    /// The thread that it was found by.
    var thread: UInt32
    /// Where procfs shows it: the folder that has `fd` and `fdinfo`.
    var folder: String
}

/// How much one look at all processes may still cost.
struct DescriptorBudget {
    /// Threads that are compared with their process.
    var threads = 1 << 16
    /// Tables that threads have of their own.
    var tables = 1024
}

extension ProcFS {
    /// Tables of one process that others are compared with.
    private static let mostTables = 16

    /// The tables of a process, its first thread's first, and whether these are all.
    func descriptorTables(of pid: UInt32, _ budget: inout DescriptorBudget) -> (
        tables: [DescriptorTable], isWhole: Bool
    ) {
        let folder = "\(root)/\(pid)"
        var tables = [DescriptorTable(thread: pid, folder: folder)]
        // Names beyond the limit are not read, so one more tells that there are more.
        guard let names = try? SystemCalls.list("\(folder)/task", limit: budget.threads + 1) else {
            return (tables, true)
        }
        var isWhole = names.count <= budget.threads
        budget.threads = max(0, budget.threads - max(0, names.count - 1))
        for name in names {
            guard let thread = UInt32(name.name), thread != pid, isOwn(thread, tables) else { continue }
            guard budget.tables > 0, tables.count < Self.mostTables else {
                isWhole = false
                break
            }
            budget.tables -= 1
            tables.append(DescriptorTable(thread: thread, folder: "\(folder)/task/\(thread)"))
        }
        return (tables, isWhole)
    }

    /// Whether a thread has another table than these. Where the kernel does not tell it may have.
    private func isOwn(_ thread: UInt32, _ tables: [DescriptorTable]) -> Bool {
        for table in tables {
            let order = SystemCalls.compareDescriptorTables(thread, table.thread)
            // It has ended.
            if order == .failure(.noSuchProcess) { return false }
            if order == .success(true) { return false }
        }
        return true
    }
}
