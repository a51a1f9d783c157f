package lambdaform;

/** What turns an event into a response. */
interface Handler {
    byte[] call(Invocation invocation) throws Throwable;
}
