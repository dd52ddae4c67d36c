import Records
import Testing

@Suite struct ImageFileTests {
    @Test(
        "One file, where stat may tell another device than the super block",
        arguments: [
            (ImageFile(inode: 1, device: 2, fileSystem: 0xEF53), true),
            (ImageFile(inode: 9, device: 2, fileSystem: 0xEF53), false),
            (ImageFile(inode: 1, device: 9, fileSystem: 0xEF53), false),
            (ImageFile(inode: 1, device: 2, fileSystem: 0x0102_1994), false),
        ])
    func sameness(other: ImageFile, isSame: Bool) {
        #expect(ImageFile(inode: 1, device: 2, fileSystem: 0xEF53).isSame(as: other) == isSame)
    }

    @Test(arguments: [UInt32(0x794C_7630), 0x9123_683E, 0xCA45_1A4E])
    func devicesOfOneFileSystem(fileSystem: UInt32) {
        let recorded = ImageFile(inode: 1, device: 2, fileSystem: fileSystem)
        #expect(recorded.isSame(as: ImageFile(inode: 1, device: 3, fileSystem: fileSystem)))
        #expect(!recorded.isSame(as: ImageFile(inode: 2, device: 2, fileSystem: fileSystem)))
    }
}
