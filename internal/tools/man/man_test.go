package man_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/tools/man"
)

func TestPages(t *testing.T) {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "tool", Short: "Do it", Long: "First line\nand more.\n\nSecond.\n\n  tool go  # shown\n.hidden dot\n", Run: run}
	root.PersistentFlags().StringP("config", "c", "", "`FILE` of the config")
	sub := &cobra.Command{Use: "go [KEY…]", Short: `Go "now"`, Example: "  tool go a\\b", Run: run}
	sub.Flags().Bool("dry-run", false, ".says what it'd do")
	sub.Flags().Bool("secret", false, "")
	_ = sub.Flags().MarkHidden("secret")
	root.AddCommand(sub, &cobra.Command{Use: "gone", Hidden: true, Run: run})
	got := man.Pages(root, man.Edition{Date: "2026-11-29", Version: "v1.2.3"}, [2]string{"FILES", ".I /etc/tool"})
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"tool-go.1", "tool.1"}) {
		t.Fatal(names)
	}
	for name, want := range map[string]string{
		"tool.1": `.TH "TOOL" 1 "2026\-11\-29" "rotate v1.2.3" "rotate"
.SH NAME
tool \- Do it
.SH SYNOPSIS
\fBtool\fR
.br
\fBtool COMMAND\fR
.SH DESCRIPTION
.PP
First line
and more.
.PP
Second.
.PP
.EX
  tool go  # shown
.EE
.PP
\&.hidden dot
.SH COMMANDS
.TP
\fBtool\-go\fR(1)
Go \(dqnow\(dq
.SH OPTIONS
.TP
\fB\-c\fR, \fB\-\-config\fR \fIFILE\fR
FILE of the config
.SH FILES
.I /etc/tool
.SH SEE ALSO
\fBtool\-go\fR(1)
`,
		"tool-go.1": `.TH "TOOL\-GO" 1 "2026\-11\-29" "rotate v1.2.3" "rotate"
.SH NAME
tool\-go \- Go \(dqnow\(dq
.SH SYNOPSIS
\fBtool go [KEY…] [flags]\fR
.SH DESCRIPTION
.PP
Go \(dqnow\(dq.
.SH OPTIONS
.TP
\fB\-\-dry\-run\fR
\&.says what it\(aqd do
.SH OPTIONS OF EVERY COMMAND
.TP
\fB\-c\fR, \fB\-\-config\fR \fIFILE\fR
FILE of the config
.SH EXAMPLES
.PP
.EX
  tool go a\eb
.EE
.SH SEE ALSO
\fBtool\fR(1)
`,
	} {
		if got[name] != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], want)
		}
	}
}
