//go:build !race

package life

// thinned is how many points of failure one stands for.
const thinned = 1
