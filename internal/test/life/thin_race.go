//go:build race

package life

// Under the race detector each call takes ten times as long, and the points of
// failure all run the same goroutines.
const thinned = 5
