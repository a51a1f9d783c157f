package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.List;

/** Declares its types at some distance from the interface. */
public class Generic extends Last<Greeting.Name> {}

abstract class Last<T> implements RequestHandler<List<T>, T> {
    @Override
    public T handleRequest(List<T> all, Context context) {
        return all.get(all.size() - 1);
    }
}
