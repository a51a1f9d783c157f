package lambdaform;

import java.io.IOError;

/**
 * Runs a Java function: AWS Lambda's runtime interface, on any Java from 8 and without
 * a library. It answers as AWS's own Java runtime does: the same handlers, conversions,
 * errors and log lines.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        run(System.getenv("AWS_LAMBDA_RUNTIME_API"), System.getenv("_HANDLER"));
    }

    static void run(String address, String name) {
        RuntimeApi api = new RuntimeApi(address);
        Log log = Log.install();
        FunctionLoader loader = FunctionLoader.create();
        Thread.currentThread().setContextClassLoader(loader);
        Core core = new Core(loader, log);
        Handler handler = null;
        try {
            handler = Handlers.find(name, loader, core);
        } catch (Fault fault) {
            log.error(fault.report());
            api.initError(fault);
            System.exit(1);
        }
        while (serve(api, log, handler)) {
        }
        System.exit(1);
    }

    /** Handles one event and tells whether the function can have another. */
    private static boolean serve(RuntimeApi api, Log log, Handler handler) {
        Invocation invocation = api.next();
        log.requestId = invocation.id;
        if (invocation.traceId == null) {
            System.clearProperty("com.amazonaws.xray.traceHeader");
        } else {
            System.setProperty("com.amazonaws.xray.traceHeader", invocation.traceId);
        }
        byte[] response;
        try {
            response = handler.call(invocation);
        } catch (Throwable thrown) {
            Fault fault = Fault.of(thrown);
            log.error(fault.report());
            api.error(invocation.id, fault);
            return !(fault.fatal || thrown instanceof VirtualMachineError || thrown instanceof IOError);
        }
        Thread.interrupted(); // what the function did to its thread ends with the call
        api.respond(invocation.id, response);
        return true;
    }
}
