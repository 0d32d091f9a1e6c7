package file

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keyrotate/rotate/providers"
)

const aclName = "system.posix_acl_access"

// acl lets one more user read, as setfacl -m u:4242:r does (acl(5) in the form
// of linux/posix_acl_xattr.h).
func acl() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2) // version
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{0x01, 6, 0xffffffff}, {0x02, 4, stranger}, {0x04, 0, 0xffffffff}, {0x10, 4, 0xffffffff}, {0x20, 0, 0xffffffff}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

// Who may read by an access control list may read what is written.
func TestOutputKeepsAttributes(t *testing.T) {
	_, path := dotEnv(t, "A=1\n")
	for name, value := range map[string][]byte{"user.note": []byte("mine"), aclName: acl()} {
		if err := unix.Setxattr(path, name, value, 0); errors.Is(err, unix.ENOTSUP) {
			t.Skipf("no %s here", name)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	// The list's mask shows as the group's bits, so the config has to allow them.
	s := openOutput(t, Config{Dir: filepath.Dir(path)}, providers.Rendering{Name: ".env", Variables: shop})
	_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("k"))), "", providers.Note{})
	fails(t, err, providers.ErrUnsafe)
	s = openOutput(t, Config{Dir: filepath.Dir(path), Mode: "0640"}, providers.Rendering{Name: ".env", Variables: shop})
	must(t, s.Probe(t.Context()))
	rev := write(t, s, ".env", lines("k"), "")
	for range 2 {
		for name, want := range map[string]string{"user.note": "mine", aclName: string(acl())} {
			if got, err := attribute(path, name); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		rev = write(t, s, ".env", lines("l"), rev.ID)
	}
	must(t, s.Remove(t.Context(), ".env", rev.ID))
	if got, err := attribute(path, aclName); err != nil || string(got) != string(acl()) {
		t.Errorf("after Remove: %q, %v", got, err)
	}
}

// A file that is mounted by itself is found before the rename fails. The test runs
// itself in a mount namespace of its own.
func TestOutputOnAMount(t *testing.T) {
	if dir := os.Getenv("ROTATE_TEST_MOUNT"); dir != "" {
		mounted(t, dir)
		return
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root can mount, by unshare")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "source"), []byte("A=1\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, ".env"), nil, 0o600))
	cmd := exec.CommandContext(t.Context(), unshare, "-m", "sh", "-c", `mount --bind source .env || exit 77; exec "$0" -test.run '^TestOutputOnAMount$' -test.v`, os.Args[0])
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "ROTATE_TEST_MOUNT="+dir)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && (exit.ExitCode() == 77 || strings.Contains(string(out), "unshare failed")) {
		t.Skipf("nothing can be mounted here: %s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func mounted(t *testing.T, dir string) {
	s := openOutput(t, Config{Dir: dir}, providers.Rendering{Name: ".env", Variables: shop})
	for name, err := range map[string]error{
		"probe": s.Probe(t.Context()),
		"write": func() error {
			_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("k"))), "", providers.Note{})
			return err
		}(),
		"the rename itself": func() error {
			temp := filepath.Join(dir, "temp")
			must(t, os.WriteFile(temp, nil, 0o600))
			_, err := replace(temp, filepath.Join(dir, ".env"))
			dress(&err, "write", ".env")
			return err
		}(),
	} {
		var e *providers.Error
		if !errors.As(err, &e) || !errors.Is(err, providers.ErrUnsafe) || !strings.Contains(e.Hint, "mount the folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if content(t, filepath.Join(dir, ".env")) != "A=1\n" {
		t.Error("it was written")
	}
}
