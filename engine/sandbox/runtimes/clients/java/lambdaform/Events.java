package lambdaform;

import java.util.Locale;

/**
 * AWS's own event classes (aws-lambda-java-events), whose members are not named as in the
 * JSON: "Records" is records, "eventSourceARN" eventSourceArn, "detail-type" detailType.
 *
 * When reading, names are equal in them but for case and punctuation. When writing, the
 * names of S3, SNS, SQS, Kinesis, DynamoDB and scheduled events are put right; those of
 * other events are written as their getters say.
 */
final class Events {
    private Events() {}

    static boolean has(Class<?> raw) {
        String name = raw.getName();
        return name.startsWith("com.amazonaws.services.lambda.runtime.events.")
                || name.startsWith("com.amazonaws.services.dynamodbv2.model.") || name.startsWith("com.amazonaws.services.s3.event.");
    }

    /** Whether text that is missing is empty, not null: so in the events of S3. */
    static boolean fills(Class<?> raw) {
        return raw.getName().contains("S3EventNotification");
    }

    /** The name as it is compared. */
    static String key(String name) {
        return name.replace("-", "").replace("_", "").toLowerCase(Locale.ROOT);
    }

    /** The name of a bean's property in JSON; null when it is not a part of that. */
    static String name(Class<?> raw, String property) {
        String owner = raw.getSimpleName();
        switch (property) {
            case "records":
                return owner.equals("KinesisFirehoseEvent") ? property : "Records";
            case "eventSourceArn":
                return "eventSourceARN";
            case "detailType":
                return "detail-type";
            case "awsLogs":
                return "awslogs";
            case "xAmzId2":
                return "x-amz-id-2";
            case "xAmzRequestId":
                return "x-amz-request-id";
            case "SNS":
                return "Sns";
            case "sizeAsLong":
                return null;
            default:
        }
        if (owner.equals("StreamRecord") || owner.equals("AttributeValue") || owner.startsWith("SNS") || owner.equals("MessageAttribute") && raw.getName().contains("SNSEvent")) {
            return Character.toUpperCase(property.charAt(0)) + property.substring(1);
        }
        return property;
    }
}
