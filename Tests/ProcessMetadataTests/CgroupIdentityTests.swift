import Testing

@testable import ProcessMetadata

private let id = String(repeating: "0123456789abcdef", count: 4)

@Suite struct CgroupIdentityTests {
    @Test(
        arguments: [
            ("/", nil, nil),
            ("", nil, nil),
            ("/docker/\(id)", id, nil),
            ("/system.slice/docker-\(id).scope", id, nil),
            ("/system.slice/nerdctl-\(id).scope", id, nil),
            ("/docker/\(id)/system.slice/nginx.service", id, "nginx.service"),
            ("/docker/\(String(repeating: "f", count: 64))/docker/\(id)", id, nil),
            ("/kubepods/besteffort/pod6c1f4a2e-8b1e-4b0f-9d55-0242ac110002/\(id)", id, nil),
            (
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod6c1f4a2e_8b1e.slice/cri-containerd-\(id).scope",
                id, nil
            ),
            ("/kubepods.slice/kubepods-pod1.slice/crio-\(id).scope", id, nil),
            ("/kubepods.slice/kubepods-pod1.slice/crio-\(id).scope/container", id, nil),
            ("/kubepods.slice/kubepods-pod1.slice/crio-conmon-\(id).scope", nil, "crio-conmon-\(id).scope"),
            ("/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:\(id)", id, nil),
            ("/machine.slice/libpod-\(id).scope", id, nil),
            ("/machine.slice/libpod-\(id).scope/container", id, nil),
            ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope/container", id, nil),
            ("/machine.slice/libpod-conmon-\(id).scope", nil, "libpod-conmon-\(id).scope"),
            ("/ecs/0123456789abcdef0123456789abcdef/\(id)", id, nil),
            (
                "/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-1234567890",
                "0123456789abcdef0123456789abcdef-1234567890", nil
            ),
            ("/lxc.payload.web", "web", nil),
            ("/lxc.payload.web/system.slice/cron.service", "web", "cron.service"),
            ("/lxc/web", "web", nil),
            ("/lxc.monitor.web", nil, nil),
            ("/system.slice/store.service", nil, "store.service"),
            ("/system.slice/system-getty.slice/getty@tty1.service", nil, "getty@tty1.service"),
            ("/system.slice/_odd.service", nil, "odd.service"),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.service", nil, "app-editor.service"),
            ("/user.slice/user-1000.slice/session-3.scope", nil, "session-3.scope"),
            ("/init.scope", nil, "init.scope"),
            ("/system.slice", nil, nil),
            ("/system.slice/.service", nil, nil),
            ("/system.slice/store.service/worker", nil, "store.service"),
            ("/system.slice/docker-\(id.dropLast()).scope", nil, "docker-\(id.dropLast()).scope"),
            ("/docker/\(id.uppercased())", nil, nil),
            ("/docker/\(id)0", nil, nil),
            ("/-\(id)", nil, nil),
        ] as [(String, String?, String?)])
    func paths(path: String, container: String?, unit: String?) {
        let identity = CgroupIdentity(path: path)
        #expect(identity.containerID == container)
        #expect(identity.unit == unit)
    }
}
