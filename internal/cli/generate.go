package cli

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func generateCommand(a *App) *cobra.Command {
	var s keygen.Spec
	var algorithm, encoding string
	cmd := help("generate", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var err error
			if s.Algorithm, err = algorithmOf(algorithm); err != nil {
				return err
			}
			s.Encoding = keyset.Encoding(encoding)
			if err := s.Validate(); err != nil {
				return &usage.Error{Msg: err.Error()}
			}
			text, err := s.Text()
			if err != nil {
				return err
			}
			if a.IsTerminal(a.Stdout) {
				a.console.Voice.Warn("what follows is a secret: it is now in this terminal's scrollback")
			}
			return a.console.Print(text.Reveal())
		},
	})
	f := cmd.Flags()
	f.StringVar(&algorithm, "algorithm", string(keyset.HS256), "what the secret is for")
	f.StringVar(&encoding, "encoding", "", "of a symmetric key: base64url, base64 or hex (default base64url)")
	f.IntVar(&s.Bytes, "bytes", 0, "random bytes of a symmetric key (default the algorithm's least)")
	f.StringVar(&s.Prefix, "prefix", "", "before an opaque secret's text")
	f.IntVar(&s.Bits, "bits", 0, "of an RSA key: 2048, 3072 or 4096 (default 3072)")
	return cmd
}
