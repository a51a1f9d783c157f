/**
 * The interface of aws-lambda-java-core, for functions that do not bring it: AWS's
 * runtime has it too. What a function brings comes first.
 */
package com.amazonaws.services.lambda.runtime;
