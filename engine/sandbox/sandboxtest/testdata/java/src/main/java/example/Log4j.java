package example;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** Logs with log4j and AWS's appender. */
public class Log4j {
    private static final Logger LOGGER = LogManager.getLogger(Log4j.class);

    public String handle(String text) {
        LOGGER.info(text);
        return "logged";
    }
}
