//go:build race

package azurekv

// Under the race detector each call takes ten times as long, and the points of
// failure all run the same goroutines.
func init() { everyNth = 10 }
