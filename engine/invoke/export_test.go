package invoke

// Run invokes a version that the caller has looked up, perhaps long ago.
var Run = (*Invoker).run
