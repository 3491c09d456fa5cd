/** What the guide's app has of its own. */
class MainActivity : android.app.Activity()
