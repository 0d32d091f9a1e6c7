// Package rotation is the rules: given what was read, which single step comes
// next, and when. It is pure. It has no I/O, no clock and no randomness, so
// every rule can be tested over every state.
//
// # What the application must do
//
// Sign with current, verify with all three: current, next and previous. An
// application that knows one secret logs everyone out, whatever rotates it.
//
// # The life of a key
//
//	            publish            promote              settled
//	(nothing) ─────────▶ next ─────────────▶ current ··················▶ previous ─────────▶ gone
//	               │      ▲ │      ▲            │  its successor            │        retire
//	               │      │ │      │            │  was promoted             │        ▲
//	               └ ready ┘ └ ready + P + skew ┘  and seen everywhere ─────┘ exp + skew
//	                 seen      and (due, or        exp = settled + G
//	                 everywhere asked for)
//
//	create: the very first key is current at once.
//	revoke: any status ─▶ gone at once; a fresh key signs in the same write.
//	remove: nothing signs any more; then bury: every key is gone, and a marker stays.
//	accept: a person goes on from a restored document, above all that is known.
//
// Create, publish, promote, retire, revoke, rename, remove, restore and bury are transitions: each adds 1 to
// the generation. Ready and settled are marks: they note what was observed, and
// a wait begins at a mark, never at the write that caused what it notes. So a
// writer that hangs for a day inside a write cannot store a deadline that has
// already passed.
//
// # Times
//
//	ready    the time at which next was read back in the store and in every output that carries it
//	settled  the same for a promotion; only now previous keys get exp = settled + G
//	promote  when now ≥ ready + P + skew, and now ≥ due or someone asked
//	retire   when now ≥ exp + skew, and every output equals the newest rendering
//	due      Schedule.Next(current.nbf + G + P), so a rotation by hand at 02:59 is not followed by another at 03:00
//	publish  P + 2·skew before due
//
// P is the propagation, G the grace: the publication and the retire interval of
// RFC 7583, section 3. The skew is 5 minutes; where P is 0 it is 0.
//
// # The ten promises
//
//  1. One signer. A keyset has exactly one current key.
//  2. Known before used. A key signs only after it stood as next, read back, in
//     the store and in every output that carries next, for at least P. Exempt:
//     the very first key, and replacement after a compromise.
//  3. Kept while needed. A previous key stays until G after its successor was
//     seen in the store and in every output. Dates stand in the document; a
//     later config cannot shorten them.
//  4. Gone when done. After that no copy is readable, as strongly as the
//     backend allows, and status says how strongly.
//  5. Once per reason. One rotation a due date, one a request, however many
//     daemons, replicas and commands run at once.
//  6. No guessing. An unknown schema, a foreign lineage, name or environment, a
//     generation gone backwards, a document edited by hand, a store that once
//     had the key and now does not: that key stops with a clear error and an
//     alarm, nothing is overwritten, the other keys go on.
//  7. No key material outside stores and outputs: not in logs, errors, metrics,
//     panics, arguments, tokens of API calls.
//  8. Late is not lost. After any downtime exactly one catch-up, in the safe
//     order. A wrong wall clock causes no early deletion or signature where the
//     store tells the time or this process ran through the whole wait; a fresh
//     process on a store without a clock must trust the host's, and says so.
//  9. Least secret. The private half of an asymmetric key is dropped when its
//     successor is promoted, and superseded revisions that hold it are erased.
//  10. Stop anywhere. Killed between any two calls, paused for a week inside
//     one, or with any reply lost, the next pass finishes the work: no
//     duplicate key, no orphan, no half state.
//
// Tests name the promise that they hold: TestPromise3… fails when the guard of
// promise 3 is taken out.
package rotation
