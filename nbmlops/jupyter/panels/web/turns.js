// Answers come when they come: which of them is still wanted is told here.

// Take a turn for a place of a view, such as `at` or `again`, the property that says what stands there. Gives a function
// that tells whether it still lasts: until somebody goes on to something else or, of what is only read again (`fresh`),
// until something else stands there. Reading again takes no turn away from what somebody has just opened.
function turnOf(view, place, fresh = false) {
  view.turns ??= {};
  const was = view[place];
  const turn = fresh ? view.turns[place] : (view.turns[place] = (view.turns[place] ?? 0) + 1);
  return () => turn === view.turns[place] && (!fresh || was === view[place]);
}
