package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;

public class Greeter implements RequestHandler<Greeting.Request, Greeting.Response> {
    @Override
    public Greeting.Response handleRequest(Greeting.Request request, Context context) {
        if (request.getFirstName() == null) {
            throw new IllegalArgumentException("who?", new RuntimeException("the deeper reason"));
        }
        return new Greeting.Response(String.format("Hello %s %s.", request.getFirstName(), request.getLastName()));
    }
}
