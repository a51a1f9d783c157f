// Logs the changes of a DynamoDB table (the guide's DynamoDB tutorial).
exports.handler = (event, context, callback) => {
  for (const record of event.Records) {
    console.log("Change %s %s: %j", record.eventID, record.eventName, record.dynamodb);
  }
  callback(null, "message");
};
