package command
import "github.com/keyrotate/rotate/providers"
func Main(extra ...providers.Type) {}
